"""BVH motion capture files: a joint hierarchy in text, and rows of channel values.

The dialects met in the wild are all read: 3, 6 or any number of channels on any joint, rotations
in any order, positions that replace a joint's offset, names with spaces, CRLF, tabs, y or z up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from psgan_tf.common.files import read_source
from psgan_tf.motion.animated_rig import RigAnimation, check_animation_size
from psgan_tf.motion.bone_names import apply_bone_map, match_bones
from psgan_tf.motion.motion import check_frame_count
from psgan_tf.motion.rig import Rig
from psgan_tf.motion.transforms import (
    IDENTITY_QUATERNION,
    FloatArray,
    matrices_from_trs,
    multiply_quaternions,
)

_AXES = {"X": 0, "Y": 1, "Z": 2}
_LARGEST_NUMBER = 1e9
_SLOWEST_FRAME_SECS, _FASTEST_FRAME_SECS = 10.0, 0.001


@dataclass
class _Joint:
    name: str
    parent: int
    offset: FloatArray | None = None
    channels: list[tuple[str, int]] = field(default_factory=list)  # ("position", axis) ...


@dataclass(frozen=True, eq=False)
class _Bvh:
    """The file as it stands: J joints and F rows of C values."""

    joints: list[_Joint]
    values: FloatArray
    fps: float


def is_bvh(head: bytes) -> bool:
    """Whether a file's first bytes are those of a BVH file."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:9].upper() == b"HIERARCHY"


def read_bvh(path: str | Path, bone_map: Mapping[str, str] | None = None) -> RigAnimation:
    """Reads a BVH file.

    Args:
        path: the file.
        bone_map: humanoid bone to joint name; None to tell the bones by their names.

    Returns:
        The animation at the file's own frame rate, on a rig of the file's joints, unchecked.

    Raises:
        ValueError: the file is damaged, holds NaN, no frame, or fewer rows than it says.
    """
    path = Path(path)
    bvh = _parse(read_source(path).decode("utf-8-sig", errors="replace"), path.name)
    names = tuple(joint.name for joint in bvh.joints)
    bones = match_bones(names).bones if bone_map is None else apply_bone_map(bone_map, names)
    rig = _rig(bvh, path.name, bones)
    check_animation_size(len(bvh.values), len(names), bvh.values.size, rig)
    needed = set(rig.humanoid_nodes)
    rotations, translations = {}, {}
    column = 0
    for node, joint in enumerate(bvh.joints):
        values = bvh.values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        kinds = {kind for kind, _ in joint.channels}
        if "rotation" in kinds and node in needed:
            rotations[node] = _rotations(joint, values)
        if "position" in kinds and node in needed:
            translations[node] = _translations(joint, values)
    return RigAnimation(rig, bvh.fps, len(bvh.values), rotations, translations)


def _rotations(joint: _Joint, values: FloatArray) -> FloatArray:
    """[F, 4]: the joint's turns composed in the order its channels are listed."""
    total: FloatArray = np.tile(IDENTITY_QUATERNION, (len(values), 1))
    for index, (kind, axis) in enumerate(joint.channels):
        if kind == "rotation":
            half_rad = np.radians(values[:, index]) / 2.0
            turn = np.zeros((len(values), 4))
            turn[:, axis], turn[:, 3] = np.sin(half_rad), np.cos(half_rad)
            total = multiply_quaternions(total, turn)
    return total


def _translations(joint: _Joint, values: FloatArray) -> FloatArray:
    """[F, 3]: the offset, replaced on the axes that have a position channel."""
    assert joint.offset is not None
    translations = np.tile(joint.offset, (len(values), 1))
    for index, (kind, axis) in enumerate(joint.channels):
        if kind == "position":
            translations[:, axis] = values[:, index]
    return translations


def _rig(bvh: _Bvh, source: str, bones: Mapping[str, int]) -> Rig:
    count = len(bvh.joints)
    offsets = np.array([joint.offset for joint in bvh.joints])
    rotations = np.tile(IDENTITY_QUATERNION, (count, 1))
    scales = np.ones((count, 3))
    return Rig(
        source=source,
        node_names=tuple(joint.name for joint in bvh.joints),
        parents=np.array([joint.parent for joint in bvh.joints], np.int64),
        order=np.arange(count),  # the text names a parent before its children
        rest_translations=offsets,
        rest_rotations=rotations,
        rest_scales=scales,
        rest_matrices=matrices_from_trs(offsets, rotations, scales),
        bones=dict(bones),
    )


def _parse(text: str, source: str) -> _Bvh:
    lines = text.splitlines()
    joints, line_number = _parse_hierarchy(lines, source)
    frames, fps, line_number = _parse_motion_header(lines, line_number, source)
    values = _parse_values(lines, line_number, source)
    channels = sum(len(joint.channels) for joint in joints)
    if not channels:
        raise _error(source, line_number, "must have channels", "joints without any")
    # Frames are counted against the numbers that are there, before anything is sized by them.
    check_frame_count(frames, max(len(values) // channels, 1), source)
    if frames * channels > len(values):
        raise _error(
            source,
            len(lines),
            f"must hold {frames} frames of {channels} values",
            f"{len(values) // channels} whole frames; the file is truncated",
        )
    return _Bvh(joints, values[: frames * channels].reshape(frames, channels), fps)


def _parse_hierarchy(lines: list[str], source: str) -> tuple[list[_Joint], int]:
    """(joints, number of lines up to and with MOTION)."""
    joints: list[_Joint] = []
    open_joints: list[int] = []  # -1 for an end site, which is no joint
    upcoming: int | None = None  # the joint whose brace is about to open
    for number, line in enumerate(lines, start=1):
        words = line.replace("{", " { ").replace("}", " } ").split()
        while words:
            keyword = words.pop(0).upper()
            if keyword == "MOTION":
                if open_joints or upcoming is not None or not joints:
                    raise _error(source, number, "must close every joint before MOTION", line)
                _check_offsets(joints, source, number)
                return joints, number
            if keyword in ("ROOT", "JOINT"):
                name_words = words[: words.index("{")] if "{" in words else words
                words = words[len(name_words) :]
                parent = open_joints[-1] if open_joints else -1
                if (keyword == "JOINT" and not open_joints) or (open_joints and parent < 0):
                    raise _error(source, number, "must nest joints inside a root", line)
                joints.append(_Joint(" ".join(name_words) or f"joint{len(joints)}", parent))
                upcoming = len(joints) - 1
            elif keyword == "END":
                words, upcoming = words[1:], -1
            elif keyword == "{" and upcoming is not None:
                open_joints.append(upcoming)
                upcoming = None
            elif keyword == "}" and open_joints and upcoming is None:
                open_joints.pop()
            elif keyword == "OFFSET" and open_joints and len(words) >= 3:
                offset = _numbers(words[:3], source, number)
                words = words[3:]
                if open_joints[-1] >= 0:
                    joints[open_joints[-1]].offset = offset
            elif keyword == "CHANNELS" and open_joints and open_joints[-1] >= 0 and words:
                channels, words = _parse_channels(words, source, number, line)
                joints[open_joints[-1]].channels = channels
            elif keyword != "HIERARCHY":
                raise _error(source, number, "must be a BVH hierarchy", line)
    raise _error(source, len(lines), "must have a MOTION section", "the end of the file")


def _check_offsets(joints: list[_Joint], source: str, number: int) -> None:
    for joint in joints:
        if joint.offset is None:
            raise _error(source, number, "must give each joint an OFFSET", f"none for {joint.name}")


def _parse_channels(
    words: list[str], source: str, number: int, line: str
) -> tuple[list[tuple[str, int]], list[str]]:
    count = int(words[0]) if words[0].isdecimal() and len(words[0]) < 4 else -1
    names = words[1 : 1 + count]
    channels = []
    for name in names:
        axis, kind = name[:1].upper(), name[1:].lower()
        if axis not in _AXES or kind not in ("position", "rotation"):
            raise _error(source, number, "must name channels such as Zrotation", line)
        channels.append((kind, _AXES[axis]))
    if count < 0 or len(names) != count:
        raise _error(source, number, "must list as many channels as it says", line)
    return channels, words[1 + count :]


def _parse_motion_header(lines: list[str], line_number: int, source: str) -> tuple[int, float, int]:
    """(frames, frames a second, number of lines up to and with "Frame Time")."""
    header: dict[str, str] = {}
    for number, line in enumerate(lines[line_number:], start=line_number + 1):
        key, colon, value = line.partition(":")
        if colon:
            header["".join(key.lower().split())] = value.strip()
        elif line.strip():
            break
        if "frametime" in header and "frames" in header:
            frames = _numbers([header["frames"]], source, number)[0]
            frame_secs = _numbers([header["frametime"]], source, number)[0]
            if not _FASTEST_FRAME_SECS <= frame_secs <= _SLOWEST_FRAME_SECS:
                raise _error(
                    source, number, "must have a Frame Time from 0.001 to 10 s", f"{frame_secs:g}"
                )
            if frames < 1 or frames != int(frames):
                raise _error(source, number, "must hold at least one frame", f"Frames: {frames:g}")
            return int(frames), _frame_rate(float(frame_secs)), number
    raise _error(source, line_number, "must give Frames and Frame Time after MOTION", "neither")


def _frame_rate(frame_secs: float) -> float:
    """Frames a second; a whole number where only the rounding of the text hides it."""
    fps = 1.0 / frame_secs
    return float(round(fps)) if abs(fps - round(fps)) < 2e-4 * fps else fps


def _parse_values(lines: list[str], line_number: int, source: str) -> FloatArray:
    """All numbers of the motion section in one row."""
    try:
        values = np.array(" ".join(lines[line_number:]).split(), dtype=np.float64)
        good = bool((np.abs(values) <= _LARGEST_NUMBER).all())
    except ValueError:
        good = False
    if not good:
        for number, line in enumerate(lines[line_number:], start=line_number + 1):
            _numbers(line.split(), source, number)
    return values


def _numbers(words: list[str], source: str, number: int) -> FloatArray:
    """Words as finite numbers, or a ValueError that names the line."""
    values = np.empty(len(words))
    for index, word in enumerate(words):
        try:
            values[index] = float(word)
        except ValueError:
            values[index] = np.nan
        if not abs(values[index]) <= _LARGEST_NUMBER:
            raise _error(source, number, "must hold finite numbers", word)
    return values


def _error(source: str, number: int, rule: str, received: str) -> ValueError:
    received = received.strip()
    if len(received) > 60:
        received = received[:60] + "..."
    return ValueError(
        f"`{source}` line {number} {rule}. Received: {received!r}. "
        "The file is damaged or no BVH file; export it again."
    )
