"""A JSON document read with care: every access states its type, every error states the place.

Files from the wild (glTF, VRM, bone maps) hold any value anywhere. `JsonValue` wraps one value
together with its path in the document, so that a wrong one becomes a ValueError such as

    `nodes[3].children[0]` must be an integer from 0 to 44. Received: "hips" (in girl.vrm).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_LONGEST_QUOTE = 60


def parse_json(text: bytes | str, source: str) -> JsonValue:
    """The document in `text`; `source` names the file in errors.

    Raises:
        ValueError: the text is not JSON, holds NaN or Infinity, or is nested too deeply to read.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        return JsonValue(json.loads(text, parse_constant=_refuse_constant), "", source)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"`{source}` must hold a JSON document. Received: text that does not parse "
            f"({str(error)[:120]}). The file is damaged or of another kind; export it again."
        ) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _quoted(raw: Any) -> str:
    """A value as an error message shows it; containers by their size."""
    if isinstance(raw, dict):
        return "an object with " + (", ".join(map(ascii, list(raw)[:5])) or "no members")
    if isinstance(raw, list):
        return f"an array of {len(raw)} items"
    return json.dumps(raw, ensure_ascii=True)


@dataclass(frozen=True)
class JsonValue:
    """One value of a JSON document.

    Attributes:
        raw: the plain Python value (dict, list, str, int, float, bool or None).
        place: where it stands, as in `nodes[3].rotation`; empty for the whole document.
        source: the file's name.
    """

    raw: Any
    place: str
    source: str

    def __contains__(self, key: str) -> bool:
        """Whether an object has the member `key`, and it is not null."""
        return isinstance(self.raw, dict) and self.raw.get(key) is not None

    def __getitem__(self, key: str | int) -> JsonValue:
        """The member `key` of an object or item `key` of an array; must exist."""
        if isinstance(key, str):
            if key not in self:
                raise self.error(f"must have a member `{key}`")
            return self._member(key, self.raw[key])
        if not 0 <= key < len(self):
            raise self.error(f"must have an item {key}", f"{len(self)} items")
        return JsonValue(self.raw[key], f"{self.place}[{key}]", self.source)

    def get(self, key: str, default: Any = None) -> JsonValue:
        """The member `key` of an object, or `default` where it is absent or null."""
        if not isinstance(self.raw, dict):
            raise self.error("must be an object")
        value = self.raw.get(key)
        return self._member(key, default if value is None else value)

    def members(self) -> dict[str, JsonValue]:
        """An object's members by name."""
        if not isinstance(self.raw, dict):
            raise self.error("must be an object")
        return {key: self._member(key, value) for key, value in self.raw.items()}

    def __len__(self) -> int:
        if not isinstance(self.raw, list):
            raise self.error("must be an array")
        return len(self.raw)

    def __iter__(self) -> Iterator[JsonValue]:
        """An array's items."""
        return (self[index] for index in range(len(self)))

    def integer(self, low: int = 0, high: int = 2**53) -> int:
        """A whole number with low <= number <= high."""
        if (
            isinstance(self.raw, bool)
            or not isinstance(self.raw, (int, float))
            or not low <= self.raw <= high
            or self.raw != int(self.raw)
        ):
            raise self.error(f"must be an integer from {low} to {high}")
        return int(self.raw)

    def index_of(self, items: JsonValue) -> int:
        """A whole number that is an index of the array `items`."""
        if not len(items):
            raise self.error(f"must be an index of `{items.place}`, which is empty")
        return self.integer(0, len(items) - 1)

    def number(self) -> float:
        """A finite number that float32 can hold."""
        if isinstance(self.raw, bool) or not isinstance(self.raw, (int, float)):
            raise self.error("must be a number")
        if not abs(self.raw) <= 3.0e38 or not math.isfinite(float(self.raw)):
            raise self.error("must be a finite number")
        return float(self.raw)

    def numbers(self, count: int) -> npt.NDArray[np.float64]:
        """An array of exactly `count` finite numbers: [count] float64."""
        if len(self) != count:
            raise self.error(f"must have {count} numbers", f"{len(self)} items")
        return np.array([item.number() for item in self], np.float64)

    def text(self) -> str:
        """A string."""
        if not isinstance(self.raw, str):
            raise self.error("must be a text")
        return self.raw

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self.raw, bool):
            raise self.error("must be true or false")
        return self.raw

    def error(self, rule: str, received: str | None = None) -> ValueError:
        """A ValueError that names this place, the `rule` it breaks and the value it holds."""
        if received is None:
            received = _quoted(self.raw)
        if len(received) > _LONGEST_QUOTE:
            received = received[:_LONGEST_QUOTE] + "..."
        place = self.place or "the document"
        return ValueError(
            f"`{place}` {rule}. Received: {received} (in {self.source}). "
            "The file is damaged or not of its kind; export it again."
        )

    def _member(self, key: str, value: Any) -> JsonValue:
        place = f"{self.place}.{key}" if self.place else key
        return JsonValue(value, place, self.source)
