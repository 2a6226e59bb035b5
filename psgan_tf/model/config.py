"""The shape of both networks: a frozen value, checked when it is made. No TensorFlow.

Defaults are the paper's Avatar run (PSGAN section 3.3, Progressive GAN table 2).
"""

from __future__ import annotations

import dataclasses

INITIAL_RESOLUTION = 4
POSE_MAPS = ("paper", "equalized")
# Planes this much louder than features leave nothing of the latent.
LARGEST_POSE_SCALE = 64.0


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
        pose_maps: `paper` for planes of -1 and +1 (PSGAN section 3.1), or `equalized` for planes of
            0 and `pose_scale` * N at N x N. A plane of one pixel k in N x N has a root mean square
            of k / N: equalized planes are as loud as features at every scale.
        pose_scale: c, the root mean square of an equalized plane.
        limb_points: further planes along each limb of `limbs`, for points that divide it evenly;
            computed from the keypoints inside the networks.
        limbs: pairs of keypoints' rows, the ends of the limbs that have such points.

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
    pose_maps: str = "paper"
    pose_scale: float = 0.5
    limb_points: int = 0
    limbs: tuple[tuple[int, int], ...] = ()

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
            ("limb_points", 0),
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
        self._check_pose_planes()

    def _check_pose_planes(self) -> None:
        if self.pose_maps not in POSE_MAPS:
            raise ValueError(
                f"`pose_maps` must be one of {', '.join(POSE_MAPS)}. "
                f"Received: pose_maps={self.pose_maps!r}."
            )
        if not 0 < self.pose_scale <= LARGEST_POSE_SCALE:
            raise ValueError(
                f"`pose_scale` must lie in (0, {LARGEST_POSE_SCALE}]. "
                f"Received: pose_scale={self.pose_scale}. The default is 0.5."
            )
        object.__setattr__(self, "limbs", tuple(tuple(limb) for limb in self.limbs))
        for limb in self.limbs:
            if len(set(limb)) != 2 or not all(0 <= row < self.num_keypoints for row in limb):
                raise ValueError(
                    f"`limbs` must be pairs of different rows below {self.num_keypoints}. "
                    f"Received: {list(limb)}. Correct the pair."
                )

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the final resolution."""
        return tuple(2**k for k in range(2, self.resolution.bit_length()))

    def feature_maps(self, resolution: int) -> int:
        """Channels C(N) of the block at `resolution`; at 2 the width of D's dense layer."""
        return max(1, min(2 * self.fmap_base // resolution, self.fmap_max))

    @property
    def num_pose_planes(self) -> int:
        """Planes of the pose where it enters: one per keypoint, then those along limbs."""
        return self.num_keypoints + self.limb_points * len(self.limbs)

    def pose_planes_at(self, resolution: int) -> int:
        """Pose planes that join the features at `resolution`."""
        if self.pose_resolutions is None or resolution in self.pose_resolutions:
            return self.num_pose_planes
        return 0

    def pose_values(self, resolution: int) -> tuple[float, float]:
        """Values of a pose plane at `resolution`: elsewhere, and in the point's pixel."""
        if self.pose_maps == "paper":
            return -1.0, 1.0
        return 0.0, self.pose_scale * resolution
