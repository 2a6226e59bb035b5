"""Silhouettes and their overlap: how well figures fill the outline that their pose asks for.

On a white background a figure's silhouette is fixed by its pose (and by its costume's shape), so
the overlap of a generated silhouette with the real one of the same pose says how well the pose
is kept. What no network at all would reach is the floor to hold that against.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# A pixel belongs to the figure when any of its channels is darker than this, from -1 to 1.
WHITE = 0.85

Silhouettes = npt.NDArray[np.bool_]


def silhouettes(images: npt.NDArray[np.uint8]) -> Silhouettes:
    """Pixels of the figure: any channel of x / 127.5 - 1 under 0.85.

    Args:
        images: [..., H, W, 3] uint8 on white.

    Returns:
        [..., H, W] bool.
    """
    figure: Silhouettes = (np.asarray(images, np.float32) / 127.5 - 1.0 < WHITE).any(axis=-1)
    return figure


def overlap(first: Silhouettes, second: Silhouettes) -> npt.NDArray[np.float64]:
    """Intersection over union of each pair; two empty silhouettes are alike.

    Args:
        first, second: [..., H, W] bool.

    Returns:
        [...] float64, 0 to 1.
    """
    union = (first | second).sum(axis=(-2, -1))
    both = (first & second).sum(axis=(-2, -1))
    return np.where(union == 0, 1.0, both / np.maximum(union, 1))


def shuffled(count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """A permutation that leaves nothing in its place, for count of at least 2."""
    order = rng.permutation(count)
    partner = np.empty(count, np.intp)
    # A single cycle through all has no fixed point.
    partner[order] = np.roll(order, 1)
    return partner


def other_of_group(
    groups: list[str], poses: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """For each row, a random other row of its group with another pose; -1 where there is none.

    Args:
        groups: a name for each row, the motion that it is a frame of.
        poses: [N, M, 3] float32, the row's keypoints.
        rng: draws.
    """
    partner = np.full(len(groups), -1, np.intp)
    names = np.asarray(groups)
    for row in range(len(groups)):
        same = np.flatnonzero(names == names[row])
        differs = (poses[same] != poses[row]).any(axis=(1, 2))
        if differs.any():
            partner[row] = rng.choice(same[differs])
    return partner


def best_constant(real: Silhouettes, thresholds: int = 19) -> Silhouettes:
    """The mean silhouette, cut where it overlaps best with all: one answer for every pose.

    Args:
        real: [N, H, W] bool.
        thresholds: how many cuts between 0 and 1 are tried.

    Returns:
        [H, W] bool.
    """
    mean = real.mean(axis=0)
    cuts = [mean > (k + 1) / (thresholds + 1) for k in range(thresholds)]
    return max(cuts, key=lambda cut: float(overlap(cut[None], real).mean()))


def overlaps_with_floors(
    generated: Silhouettes,
    real: Silhouettes,
    poses: npt.NDArray[np.float32],
    motions: list[str],
    seed: int,
) -> dict[str, npt.NDArray[np.float64]]:
    """Overlaps of each picture with the real one of its pose, and of what ignores the pose.

    Args:
        generated, real: [E, N, N] bool, row by row of the same pose.
        poses: [E, M, 3] float32.
        motions: the motion that each is a frame of.
        seed: of the shuffling.

    Returns:
        [E] each, NaN where there is nothing to compare with. `same_pose`: generated against real.
        `generated_shuffled`: against the real picture of another row. `generated_other_frame`:
        against another frame of the motion. Without a network: `real_shuffled`,
        `real_other_frame`, `constant`, real pictures (or the best single silhouette of this very
        set) in place of generated ones.
    """
    rng = np.random.default_rng(seed)
    partner, frame = shuffled(len(real), rng), other_of_group(motions, poses, rng)
    constant = np.broadcast_to(best_constant(real), real.shape)

    def with_other_frame(silhouettes: Silhouettes) -> npt.NDArray[np.float64]:
        return np.where(frame >= 0, overlap(silhouettes, real[frame]), np.nan)

    return {
        "same_pose": overlap(generated, real),
        "generated_shuffled": overlap(generated, real[partner]),
        "generated_other_frame": with_other_frame(generated),
        "real_shuffled": overlap(real, real[partner]),
        "real_other_frame": with_other_frame(real),
        "constant": overlap(constant, real),
    }


def compare_with_floors(
    generated: Silhouettes,
    real: Silhouettes,
    poses: npt.NDArray[np.float32],
    motions: list[str],
    seed: int,
) -> dict[str, float]:
    """The means of `overlaps_with_floors`; NaN where no row has something to compare with."""
    overlaps = overlaps_with_floors(generated, real, poses, motions, seed)
    known = {name: values[~np.isnan(values)] for name, values in overlaps.items()}
    return {
        name: float(values.mean()) if len(values) else float("nan")
        for name, values in known.items()
    }
