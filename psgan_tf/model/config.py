"""The shape of both networks: a frozen value, checked when it is made. No TensorFlow.

Defaults are the paper's Avatar run (PSGAN section 3.3, Progressive GAN table 2).
"""

from __future__ import annotations

import dataclasses

INITIAL_RESOLUTION = 4


def is_power_of_two(value: int) -> bool:
    """Whether `value` is 1, 2, 4, 8, ..."""
    return value > 0 and value & (value - 1) == 0


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """The shape of the generator and the discriminator; everything that decides their weights.

    Args:
        resolution: final picture size in pixels, a power of two of at least 4.
        num_keypoints: M, planes of a pose map; 0 gives the plain Progressive GAN.
        keypoint_frame: size in pixels of the square that keypoints are measured in.
        latent_size: length of the latent vector.
        fmap_base: feature maps of the block at N are `min(2 * fmap_base / N, fmap_max)`.
        fmap_max: cap on the feature maps of a block.
        pose_resolutions: the scales at which the pose enters both networks; None means all
            (the paper's claim), one scale alone is its ablation.

    Raises:
        ValueError: for any value out of its range.
    """

    resolution: int = 1024
    num_keypoints: int = 20
    keypoint_frame: int = 1024
    latent_size: int = 512
    fmap_base: int = 8192
    fmap_max: int = 512
    pose_resolutions: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not is_power_of_two(self.resolution) or self.resolution < INITIAL_RESOLUTION:
            raise ValueError(
                "`resolution` must be a power of two of at least 4. "
                f"Received: resolution={self.resolution}. Choose 4, 8, 16, ... 1024."
            )
        for name, least in (
            ("num_keypoints", 0),
            ("keypoint_frame", 1),
            ("latent_size", 1),
            ("fmap_max", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {name}={getattr(self, name)}."
                )
        if 2 * self.fmap_base < self.resolution:
            raise ValueError(
                "`fmap_base` must leave the block of the final resolution at least one feature "
                f"map: 2 * fmap_base >= resolution. Received: fmap_base={self.fmap_base}, "
                f"resolution={self.resolution}. Raise fmap_base."
            )
        if self.pose_resolutions is not None:
            # JSON and Keras bring lists.
            object.__setattr__(self, "pose_resolutions", tuple(self.pose_resolutions))
        unknown = sorted(set(self.pose_resolutions or ()) - set(self.resolutions))
        if unknown:
            raise ValueError(
                f"`pose_resolutions` must be among {list(self.resolutions)}. "
                f"Received: {unknown}. Leave the others out."
            )

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the final resolution."""
        return tuple(2**k for k in range(2, self.resolution.bit_length()))

    def feature_maps(self, resolution: int) -> int:
        """Channels C(N) of the block at `resolution`; at 2 the width of D's dense layer."""
        return max(1, min(2 * self.fmap_base // resolution, self.fmap_max))

    def num_keypoints_at(self, resolution: int) -> int:
        """Pose planes that join the features at `resolution`."""
        if self.pose_resolutions is None or resolution in self.pose_resolutions:
            return self.num_keypoints
        return 0
