"""What flickers: pictures from frame to frame, and keypoints off their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


def frame_differences(frames: np.ndarray) -> np.ndarray:
    """How much a value of a pixel changes from each frame to the next, on average.

    Args:
        frames: [F, H, W, 3] uint8, at least two.

    Returns:
        [F - 1] in levels of 0..255.
    """
    levels = frames.astype(np.float32)
    return np.abs(levels[1:] - levels[:-1]).mean(axis=(1, 2, 3))


def distance_px(found: np.ndarray, exact: np.ndarray) -> float:
    """The mean distance of [F, M, 3] keypoints from where they ought to be, of those in sight."""
    seen = exact[..., 2] > 0
    return float(np.linalg.norm((found - exact)[seen][:, :2], axis=-1).mean())


def jittered(keypoints: np.ndarray, sigma_px: float, seed: int) -> np.ndarray:
    """[F, M, 3] keypoints as a detector finds them: each x and y off by independent normal noise.

    Args:
        keypoints: the exact ones.
        sigma_px: standard deviation.
        seed: of the noise.
    """
    noisy = keypoints.copy()
    noise = np.random.default_rng(seed).normal(0.0, sigma_px, keypoints[..., :2].shape)
    noisy[..., :2] += noise.astype(np.float32)
    return noisy


@dataclass(frozen=True)
class Flicker:
    """Frame differences of films, in levels of 0..255.

    Attributes:
        mean: over all frames of all films.
        largest: of each film, the mean of these; far above `mean` where a film goes in jumps.
    """

    mean: float
    largest: float


def flicker_of(films: Sequence[np.ndarray]) -> Flicker:
    """The flicker of some films, each [F, H, W, 3] uint8."""
    differences = [frame_differences(film) for film in films]
    return Flicker(
        float(np.mean([one.mean() for one in differences])),
        float(np.mean([one.max() for one in differences])),
    )


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        case: what moves.
        smoothing: one of `pose_smoothing.METHODS`.
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
