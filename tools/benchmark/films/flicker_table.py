"""The flicker of films as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psgan_tf.evaluation.flicker import Flicker


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        case: what moves.
        smoothing: one of `smoothing.METHODS`.
        generated, rendered: of the network's and of the renderer's films.
        off_px: mean distance of the keypoints from the exact ones, in pixels of the pictures.
    """

    case: str
    smoothing: str
    generated: Flicker
    rendered: Flicker
    off_px: float

    @property
    def ratio(self) -> float | None:
        """Generated over rendered; None where the truth stands still."""
        return self.generated.mean / self.rendered.mean if self.rendered.mean else None

    def to_json(self) -> dict[str, Any]:
        """The line as JSON values."""
        return {**asdict(self), "ratio": self.ratio}


def table(rows: Sequence[Row]) -> str:
    """The lines as a table of Markdown."""
    lines = [
        "| poses | smoothing | generated | largest step | rendered | largest step "
        "| generated / rendered | joints off, px |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(
            f"| {row.case} | {row.smoothing} | {row.generated.mean:.2f} "
            f"| {row.generated.largest:.2f} | {row.rendered.mean:.2f} "
            f"| {row.rendered.largest:.2f} | {ratio} | {row.off_px:.2f} |"
        )
    return "\n".join(lines)
