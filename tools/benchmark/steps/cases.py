"""Cases to measure: a phase at a precision with some kernels, checked before any process starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from psgan_tf.model.config import INITIAL_RESOLUTION, NetworkConfig
from psgan_tf.training.config import TrainingConfig

KERNELS = ("fast", "plain")


@dataclasses.dataclass(frozen=True)
class Case:
    """One thing to measure; travels to its process as JSON.

    Args:
        subject: `train`, `generate` or `convolutions`.
        resolution: of the stage, in pixels.
        batch: pictures of a step.
        num_keypoints: M.
        fmap_base, fmap_max: widths, see `NetworkConfig`.
        fading: whether the resolution is being faded in.
        precision: `float32` or `bfloat16`.
        kernels: `fast`, or `plain`: as the paper draws it.
    """

    subject: str
    resolution: int
    batch: int
    num_keypoints: int
    fmap_base: int
    fmap_max: int
    fading: bool
    precision: str = "float32"
    kernels: str = "fast"

    @property
    def network(self) -> NetworkConfig:
        """The networks' shape."""
        return NetworkConfig(
            resolution=self.resolution,
            num_keypoints=self.num_keypoints,
            keypoint_frame=self.resolution,
            fmap_base=self.fmap_base,
            fmap_max=self.fmap_max,
        )

    @property
    def training(self) -> TrainingConfig:
        """A run that reaches the stage."""
        return TrainingConfig(
            self.network, "", "", batch_size=str(self.batch), precision=self.precision
        )

    @property
    def fields(self) -> dict[str, Any]:
        """What `Case(**fields)` makes it of again."""
        return dataclasses.asdict(self)

    @property
    def stage(self) -> str:
        """For instance `fade to 64 x 64, batch 16`."""
        verb = "fade to " if self.fading else ""
        return f"{verb}{self.resolution} x {self.resolution}, batch {self.batch}"

    @property
    def name(self) -> str:
        """For instance `psgan_tf, fast, float32`."""
        if self.subject == "convolutions":
            return f"convolutions, {self.precision}"
        return f"psgan_tf, {self.kernels}, {self.precision}"


def whole_numbers(name: str, texts: Sequence[str]) -> list[int]:
    """A list flag of whole numbers of at least 1.

    Raises:
        ValueError: naming the flag.
    """
    whole = all(text.isascii() and text.isdigit() for text in texts)
    if not texts or not whole or min(map(int, texts)) < 1:
        raise ValueError(
            f"`{name}` must be whole numbers of at least 1, joined by commas. "
            f"Received: {name}={','.join(texts)}."
        )
    return [int(text) for text in texts]


def chosen(name: str, texts: Sequence[str], known: Sequence[str]) -> list[str]:
    """A list flag whose values are among those known.

    Raises:
        ValueError: naming the flag.
    """
    if not texts or set(texts) - set(known):
        raise ValueError(
            f"`{name}` must be one or more of {', '.join(known)}, joined by commas. "
            f"Received: {name}={','.join(texts)}."
        )
    return list(dict.fromkeys(texts))


def stages(resolutions: Sequence[str], batches: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of resolution and batch; one batch serves all resolutions.

    Raises:
        ValueError: for what are no numbers, or as many batches as fit nothing.
    """
    sizes, counts = whole_numbers("resolution", resolutions), whole_numbers("batch", batches)
    if len(counts) == 1:
        counts *= len(sizes)
    if len(counts) != len(sizes):
        raise ValueError(
            "`batch` must be one number, or one for each resolution. "
            f"Received: {len(counts)} for {len(sizes)} resolutions."
        )
    return list(zip(sizes, counts, strict=True))


def check(case: Case) -> Case:
    """The case itself, when such a stage exists.

    Raises:
        ValueError: naming the argument.
    """
    _ = case.training  # checks all values of both configurations
    if case.fading and case.resolution == INITIAL_RESOLUTION:
        raise ValueError("`fading` must be off at 4 x 4. Received: fading. Add --nofading.")
    return case
