"""Options of a rendered dataset, in one value."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.data.conversion.preparation import worker_count
from psgan_tf.motion.retarget import GROUND_RULES

BACKENDS = ("cpu", "gl")
BACKGROUNDS = ("white", "transparent")
FRAMINGS = ("all", "tight")

_LARGEST_SIZE_PX = 4096
_LARGEST_SAMPLES = 4
_MOST_ANGLES = 360
_MOST_MIXED_POSES = 1_000_000


@dataclass(frozen=True)
class Angles:
    """Camera angles: each of a list, or one a pose drawn from a range.

    Attributes:
        degrees: the list, or the range's two ends.
        is_range: whether it is a range.
    """

    degrees: tuple[float, ...] = (0.0,)
    is_range: bool = False

    def for_pose(self, seed: int, motion: str, frame: int) -> tuple[float, ...]:
        """The angles to take a pose from; a range's angle depends on nothing but the arguments."""
        if not self.is_range:
            return self.degrees
        digest = hashlib.sha256(f"{seed}/{motion}/{frame}".encode()).digest()
        low, high = self.degrees
        angle = np.random.default_rng(list(digest[:16])).uniform(low, high)
        return (round(float(angle), 3),)


def parse_angles(text: str, name: str, limit_degrees: float) -> Angles:
    """Reads `0`, `0,90,180` or a range `-60:60`.

    Raises:
        ValueError: another form, or an angle beyond the limit.
    """
    parts = text.split(":") if ":" in text else text.split(",")
    try:
        degrees = tuple(float(part) for part in parts)
    except ValueError:
        degrees = ()
    is_range = ":" in text
    if (
        not degrees
        or len(degrees) > _MOST_ANGLES
        or len(set(degrees)) < len(degrees)
        or (is_range and (len(degrees) != 2 or degrees[0] >= degrees[1]))
        or not all(abs(angle) <= limit_degrees for angle in degrees)
    ):
        raise ValueError(
            f"`{name}` must be different angles from -{limit_degrees:g} to {limit_degrees:g}, as "
            f"0,90,180, or a range from a smaller to a larger one, as -60:60. Received: {text!r}."
        )
    return Angles(degrees, is_range)


@dataclass(frozen=True)
class RenderOptions:
    """How a dataset is rendered.

    Attributes:
        avatars: avatar files.
        output: the dataset folder.
        motions: motion files, each with the clips to take ("walk.bvh", "all.glb#Bow,Victory").
        costumes: for each avatar its costume file, or None for the avatar as it is.
        avatar_bones, motion_bones: bone map files for all avatars and all motions, or None.
        name: the dataset's name.
        size_px: the pictures' width and height.
        samples_per_pixel: along each side of a pixel.
        background: one of BACKGROUNDS.
        outline_scale: factor for the outlines' widths.
        backend: one of BACKENDS.
        poses_per_motion: how many poses are taken, evenly spaced; unused where `fps` is given.
        fps: take so many poses a second instead.
        yaw, pitch: where cameras stand round and above the avatar.
        mixed_poses: for each costume so many poses mixed from the training motions besides.
        framing: one of FRAMINGS, see `framing.py`.
        zoom: 1 shows what the framing says.
        ground: one of GROUND_RULES.
        test_motions: names of motions that make the test split.
        test_fraction: part of the motions to choose for it by the seed, where none is named.
        seed: decides random angles and the test motions.
        have_permission: the user may use avatars whose terms forbid it.
        credits, licence: added to the card.
        workers: number of processes.
    """

    avatars: tuple[Path, ...]
    output: Path
    motions: tuple[str, ...]
    costumes: tuple[Path | None, ...] = ()
    avatar_bones: Path | None = None
    motion_bones: Path | None = None
    name: str = "avatars"
    size_px: int = 1024
    samples_per_pixel: int = 2
    background: str = "white"
    outline_scale: float = 1.0
    backend: str = "cpu"
    poses_per_motion: int = 50
    fps: float | None = None
    yaw: Angles = field(default_factory=Angles)
    pitch: Angles = field(default_factory=Angles)
    mixed_poses: int = 0
    framing: str = "all"
    zoom: float = 1.0
    ground: str = "motion"
    test_motions: tuple[str, ...] = ()
    test_fraction: float = 0.1
    seed: int = 0
    have_permission: bool = False
    credits: tuple[str, ...] = ()
    licence: str = ""
    workers: int = field(default_factory=worker_count)

    def __post_init__(self) -> None:
        _check(bool(self.avatars), "avatars", "name at least one file", self.avatars)
        _check(bool(self.motions), "motions", "name at least one file", self.motions)
        _check(
            not self.costumes or len(self.costumes) == len(self.avatars),
            "costumes",
            f"name one file for each of the {len(self.avatars)} avatars, in their order",
            len(self.costumes),
        )
        _check(
            16 <= self.size_px <= _LARGEST_SIZE_PX,
            "size_px",
            f"be from 16 to {_LARGEST_SIZE_PX}",
            self.size_px,
        )
        _check(
            1 <= self.samples_per_pixel <= _LARGEST_SAMPLES,
            "samples_per_pixel",
            f"be from 1 to {_LARGEST_SAMPLES}",
            self.samples_per_pixel,
        )
        _check(
            0 <= self.outline_scale <= 20, "outline_scale", "be from 0 to 20", self.outline_scale
        )
        _check(0.01 <= self.zoom <= 100, "zoom", "be from 0.01 to 100", self.zoom)
        _check(
            0 <= self.test_fraction < 1, "test_fraction", "be from 0 to below 1", self.test_fraction
        )
        _check(
            self.poses_per_motion >= 1, "poses_per_motion", "be at least 1", self.poses_per_motion
        )
        _check(
            0 <= self.mixed_poses <= _MOST_MIXED_POSES,
            "mixed_poses",
            f"be from 0 to {_MOST_MIXED_POSES}",
            self.mixed_poses,
        )
        _check(self.workers >= 1, "workers", "be at least 1", self.workers)
        for name, value, known in (
            ("background", self.background, BACKGROUNDS),
            ("backend", self.backend, BACKENDS),
            ("ground", self.ground, GROUND_RULES),
            ("framing", self.framing, FRAMINGS),
        ):
            _check(value in known, name, f"be one of {', '.join(known)}", value)

    def choices(self) -> dict[str, Any]:
        """What decides the pictures, as plain values; files by name only."""
        document = asdict(self)
        for key in ("output", "workers", "avatars", "costumes", "avatar_bones", "motion_bones"):
            del document[key]
        document["motions"] = [Path(motion).name for motion in self.motions]
        for key in ("yaw", "pitch"):
            angles = getattr(self, key)
            document[key] = {"degrees": list(angles.degrees), "is_range": angles.is_range}
        return dict(json.loads(json.dumps(document)))  # tuples become lists, as when read back


def _check(holds: bool, name: str, rule: str, received: Any) -> None:
    if not holds:
        raise ValueError(f"`{name}` must {rule}. Received: {received!r}.")
