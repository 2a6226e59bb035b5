"""VMD motion files of MikuMikuDance: keys of named bones, and when leg IK is on.

Layout: 30 bytes of signature and 20 of model name (10 in the first version), then counted records:
bones (111 bytes), morphs (23), camera (61), light (28), self shadow (9) and, in later files, model
visibility with IK switches. Names are cp932, times are frames at 30 a second. The file's axes are
left handed with the character facing -z; everything here is mirrored in z to canonical axes
(x to the character's left, y up, z forward).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from psgan_tf.common.files import read_source
from psgan_tf.motion.transforms import FloatArray, IntArray, normalise_quaternions, slerp

VMD_FPS = 30.0

_SIGNATURE = b"Vocaloid Motion Data"
_BONE_RECORD = np.dtype(
    [
        ("name", "S15"),
        ("frame", "<u4"),
        ("position", "<f4", 3),
        ("rotation", "<f4", 4),
        ("curves", "u1", 64),
    ]
)
_RECORD_BYTES_BEFORE_IK = (23, 61, 28, 9)  # morphs, camera, light, self shadow
_IK_NAME_BYTES = 20

_MIRROR_POSITION = np.array([1.0, 1.0, -1.0])
_MIRROR_ROTATION = np.array([-1.0, -1.0, 1.0, 1.0])
_LARGEST_POSITION = 1e6

# Bisection halves the interval; 2^-40 of a frame gap is far below any float32 key.
_BISECTIONS = 40


@dataclass(frozen=True, eq=False)
class VmdBone:
    """The K keys of one bone, by rising frame.

    Attributes:
        frames: [K] int.
        positions: [K, 3] in the file's units; relative to the bone's rest.
        rotations: [K, 4] unit quaternions; relative to the bone's rest.
        curves: [K, 4, 4] x1, y1, x2, y2 in [0, 1] of the Bezier curves that lead to the key, for x,
            y, z and the rotation.
    """

    frames: IntArray
    positions: FloatArray
    rotations: FloatArray
    curves: FloatArray


@dataclass(frozen=True, eq=False)
class Vmd:
    """A VMD file.

    Attributes:
        source: the file's name.
        model_name: the model it was made for.
        bones: bone name (Japanese) to its keys.
        ik_switches: by rising frame, (frame, {IK bone name: on}).
    """

    source: str
    model_name: str
    bones: Mapping[str, VmdBone]
    ik_switches: tuple[tuple[int, Mapping[str, bool]], ...]


def is_vmd(head: bytes) -> bool:
    """Whether a file's first bytes are those of a VMD file."""
    return head.startswith(_SIGNATURE)


def read_vmd(path: str | Path) -> Vmd:
    """Reads a VMD file.

    Raises:
        ValueError: the file is truncated, holds NaN, or is no VMD file.
    """
    path = Path(path)
    data = read_source(path)
    if not is_vmd(data):
        raise ValueError(
            f"`{path.name}` must be a VMD motion. Received: a file that starts with {data[:8]!r}."
        )
    model_bytes = 20 if data[:30].rstrip(b"\0").endswith(b"0002") else 10
    bones_at = 30 + model_bytes
    records, position = _bone_records(data, bones_at, path.name)
    return Vmd(
        source=path.name,
        model_name=_text(data[30:bones_at]),
        bones=_bones(records, path.name),
        ik_switches=_ik_switches(data, position, path.name),
    )


def _text(raw: bytes) -> str:
    """A cp932 text up to its zero byte; a name cut in the middle of a letter loses that letter."""
    return raw.split(b"\0")[0].decode("cp932", errors="ignore")


def _count(data: bytes, position: int, record_bytes: int, source: str) -> int:
    """The count at `position`, if that many records fit the rest of the file."""
    if position + 4 > len(data):
        raise _truncated(source, position + 4, len(data))
    (count,) = struct.unpack_from("<I", data, position)
    if position + 4 + count * record_bytes > len(data):
        raise _truncated(source, position + 4 + count * record_bytes, len(data))
    return int(count)


def _truncated(source: str, expected: int, received: int) -> ValueError:
    return ValueError(
        f"`{source}` must be at least {expected} bytes long by its own counts. Received: "
        f"{received} bytes. The file is truncated; fetch or export it again."
    )


def _bone_records(data: bytes, position: int, source: str) -> tuple[npt.NDArray[np.void], int]:
    """(the bone records, where they end)."""
    count = _count(data, position, _BONE_RECORD.itemsize, source)
    records = np.frombuffer(data, _BONE_RECORD, count, position + 4)
    return records, position + 4 + count * _BONE_RECORD.itemsize


def _bones(records: npt.NDArray[np.void], source: str) -> dict[str, VmdBone]:
    with np.errstate(invalid="ignore"):  # some bit patterns of NaN; they are refused below
        positions = records["position"].astype(np.float64)
        rotations = records["rotation"].astype(np.float64)
    if not (np.abs(positions) <= _LARGEST_POSITION).all() or not (np.abs(rotations) <= 2.0).all():
        raise ValueError(
            f"`{source}` must hold finite positions and unit quaternions. Received: a bone key "
            "with NaN or huge numbers. The file is damaged; fetch or export it again."
        )
    # Each row of 16 bytes repeats the one before, moved by a byte; only the first of each row is
    # safe, since some programs store other flags in between.
    curves = records["curves"].reshape(-1, 4, 4, 4)[..., 0].astype(np.float64).clip(0, 127) / 127.0
    bones = {}
    names, groups = np.unique(records["name"], return_inverse=True)
    order = np.lexsort((records["frame"], groups.reshape(-1)))
    starts = np.searchsorted(groups.reshape(-1)[order], np.arange(len(names) + 1))
    for index, raw in enumerate(names):
        rows = order[starts[index] : starts[index + 1]]
        frames = records["frame"][rows].astype(np.int64)
        last_of_frame = np.append(np.diff(frames) > 0, True)  # a repeated key: the last one counts
        rows = rows[last_of_frame]
        bones[_text(raw)] = VmdBone(
            frames=frames[last_of_frame],
            positions=positions[rows] * _MIRROR_POSITION,
            rotations=normalise_quaternions(rotations[rows] * _MIRROR_ROTATION),
            curves=curves[rows],
        )
    return bones


def _ik_switches(
    data: bytes, position: int, source: str
) -> tuple[tuple[int, Mapping[str, bool]], ...]:
    """The IK switches; older files end before them."""
    for record_bytes in _RECORD_BYTES_BEFORE_IK:
        if position >= len(data):
            return ()
        position += 4 + record_bytes * _count(data, position, record_bytes, source)
    if position >= len(data):
        return ()
    switches = []
    count = _count(data, position, 9, source)
    position += 4
    for _ in range(count):
        if position + 9 > len(data):
            raise _truncated(source, position + 9, len(data))
        frame, _visible, num_bones = struct.unpack_from("<IBI", data, position)
        position += 9
        if position + num_bones * (_IK_NAME_BYTES + 1) > len(data):
            raise _truncated(source, position + num_bones * (_IK_NAME_BYTES + 1), len(data))
        states = {}
        for _ in range(num_bones):
            name = _text(data[position : position + _IK_NAME_BYTES])
            states[name] = data[position + _IK_NAME_BYTES] != 0
            position += _IK_NAME_BYTES + 1
        switches.append((int(frame), states))
    return tuple(sorted(switches, key=lambda switch: switch[0]))


def sample_vmd_bone(bone: VmdBone, times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A bone between its keys, along their Bezier curves.

    Args:
        bone: its keys.
        times: [F] in (fractional) frames; before the first and after the last key it holds still.

    Returns:
        [F, 3] positions and [F, 4] rotations.
    """
    last = len(bone.frames) - 1
    before = np.clip(np.searchsorted(bone.frames, times, side="right") - 1, 0, last)
    after = np.minimum(before + 1, last)
    spans = np.maximum(bone.frames[after] - bone.frames[before], 1)
    fractions = np.clip((times - bone.frames[before]) / spans, 0.0, 1.0)
    eased = _bezier(bone.curves[after], fractions[:, None])
    first, second = bone.positions[before], bone.positions[after]
    positions = first + (second - first) * eased[:, :3]
    return positions, slerp(bone.rotations[before], bone.rotations[after], eased[:, 3])


def _bezier(curves: FloatArray, x: FloatArray) -> FloatArray:
    """[F, 4]: y of each of the four curves [F, 4, 4] (x1, y1, x2, y2) at x [F, 1]."""
    x1, y1, x2, y2 = np.moveaxis(curves, -1, 0)
    x = np.broadcast_to(x, x1.shape)
    low, high = np.zeros_like(x), np.ones_like(x)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        too_low = _cubic(x1, x2, middle) < x
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    straight = (x1 == y1) & (x2 == y2)
    return np.where(straight, x, _cubic(y1, y2, (low + high) / 2.0))


def _cubic(first: FloatArray, second: FloatArray, t: FloatArray) -> FloatArray:
    """A cubic Bezier from 0 to 1 with the two given control values."""
    value: FloatArray = 3 * first * t * (1 - t) ** 2 + 3 * second * t**2 * (1 - t) + t**3
    return value
