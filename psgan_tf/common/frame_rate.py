"""Frame rates that a user may ask for."""

from __future__ import annotations

LARGEST_FPS = 1000.0


def check_fps(fps: float) -> float:
    """Returns the frame rate a user asks for; ValueError unless it is above 0 and at most 1000."""
    if not 0 < fps <= LARGEST_FPS:
        raise ValueError(
            f"`fps` must be above 0 and at most {LARGEST_FPS:g}. Received: {fps:g}. "
            "Use 12, 24, 30 or 60."
        )
    return float(fps)
