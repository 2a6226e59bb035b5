"""One number for all resolutions, with exceptions for some: the text `16,256:12` as a value."""

from __future__ import annotations

import dataclasses
import math

from psgan_tf.model.config import INITIAL_RESOLUTION, is_power_of_two


@dataclasses.dataclass(frozen=True)
class PerResolution:
    """A setting that may differ from resolution to resolution.

    Args:
        default: the value where no exception is named.
        exceptions: pairs of a resolution in pixels and its value.
    """

    default: float
    exceptions: tuple[tuple[int, float], ...] = ()

    def at(self, resolution: int) -> float:
        """The value at `resolution`."""
        return dict(self.exceptions).get(resolution, self.default)

    def __str__(self) -> str:
        """The text that `parse` reads back equal."""
        parts = [f"{resolution}:{_shortest(value)}" for resolution, value in self.exceptions]
        return ",".join([_shortest(self.default), *parts])

    @classmethod
    def parse(cls, text: str, name: str, default: float | None = None) -> PerResolution:
        """Reads `default[,resolution:value]...`, for example `0.001,128:0.0008`.

        Args:
            text: what the user wrote.
            name: the setting's name, for the error.
            default: of a setting that may be empty or name exceptions alone.

        Raises:
            ValueError: when the text is not of that form or holds a negative number.
        """
        try:
            first, *rest = [part.strip() for part in text.split(",")]
            if default is not None and (":" in first or not text):
                first, rest = str(default), [first, *rest] if text else []
            pairs = [part.split(":") for part in rest]
            exceptions = tuple((int(resolution), float(value)) for resolution, value in pairs)
            parsed = cls(float(first), exceptions)
        except ValueError:
            parsed = None
        if parsed is None or not parsed._is_valid():
            raise ValueError(
                f"`{name}` must be a number, then exceptions as resolution:value (each once), "
                f"such as 16,256:12,512:5, with no negative number. Received: {name}={text!r}."
            )
        return parsed

    def _is_valid(self) -> bool:
        resolutions = [resolution for resolution, _ in self.exceptions]
        values = [self.default, *(value for _, value in self.exceptions)]
        return (
            all(math.isfinite(value) and value >= 0 for value in values)
            and all(is_power_of_two(n) and n >= INITIAL_RESOLUTION for n in resolutions)
            and len(set(resolutions)) == len(resolutions)
        )


def _shortest(value: float) -> str:
    """`16` and not `16.0`; otherwise the shortest text that means the same number."""
    return str(int(value)) if value == int(value) else repr(value)
