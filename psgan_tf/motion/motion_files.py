"""Motions from files of any kind read here, told by their content: BVH, VMD, VRMA, glTF, VRM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from psgan_tf.common.files import read_source
from psgan_tf.motion.bvh import is_bvh, read_bvh
from psgan_tf.motion.gltf.clips import clip_index, clip_names, sample_clip
from psgan_tf.motion.gltf.container import is_gltf
from psgan_tf.motion.gltf.document import Gltf, read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.gltf.vrma import is_vrma, read_vrma
from psgan_tf.motion.mmd.mmd_legs import MmdRest
from psgan_tf.motion.mmd.vmd import is_vmd, read_vmd
from psgan_tf.motion.mmd.vmd_motion import motion_of_vmd
from psgan_tf.motion.motion import Motion, resampled
from psgan_tf.motion.rig import check_rig

_HEAD_BYTES = 256


def motion_format(path: str | Path) -> str:
    """The kind of file, by its first bytes: "bvh", "vmd" or "gltf" (VRM and VRMA included).

    Raises:
        ValueError: none of these, or the file cannot be read.
    """
    head = read_source(path)[:_HEAD_BYTES]
    for name, matches in (("bvh", is_bvh), ("vmd", is_vmd), ("gltf", is_gltf)):
        if matches(head):
            return name
    raise ValueError(
        f"`{Path(path).name}` must be a BVH, VMD, VRMA, VRM or glTF file. Received: a file that "
        f"starts with {head[:8]!r}. Convert it to one of these (FBX: with Blender)."
    )


def list_clips(path: str | Path) -> tuple[str, ...]:
    """The names of a file's motions; BVH, VMD and VRMA files hold one, named after the file.

    Raises:
        ValueError: the file is of no known kind or damaged.
    """
    path = Path(path)
    if motion_format(path) != "gltf":
        return (path.stem,)
    gltf = read_gltf(path)
    return (path.stem,) if is_vrma(gltf) else clip_names(gltf)


def motion_from_file(
    path: str | Path,
    clip: str | None = None,
    fps: float | None = None,
    bone_map: Mapping[str, str] | None = None,
    mmd_rest: MmdRest | None = None,
) -> Motion:
    """Reads one motion.

    Args:
        path: a BVH, VMD, VRMA, VRM or glTF file.
        clip: which of a glTF file's animations; may be left out where there is one.
        fps: frames a second of the result; None for the file's own rate.
        bone_map: humanoid bone (VRM 1.0 name) to node or joint name, for BVH and plain glTF whose
            names say nothing (`bone_names.read_bone_map` reads it from a file).
        mmd_rest: the model that a VMD file was made for; None for the standard one.

    Raises:
        ValueError: the file is damaged or of another kind, has no such clip, no humanoid, no legs,
            or no frame; the message names the file and the remedy.
    """
    path = Path(path)
    kind = motion_format(path)
    if kind == "gltf":
        return _motion_of_gltf(read_gltf(path), clip, fps, bone_map)
    if clip not in (None, path.stem):
        raise ValueError(
            f"`clip` must be left out, or {path.stem!r}: {path.name} holds one motion. "
            f"Received: {clip!r}."
        )
    if kind == "vmd":
        return motion_of_vmd(read_vmd(path), path.stem, fps, mmd_rest)
    motion = read_bvh(path, bone_map).motion(path.stem)
    return motion if fps is None else resampled(motion, fps)


def _motion_of_gltf(
    gltf: Gltf, clip: str | None, fps: float | None, bone_map: Mapping[str, str] | None
) -> Motion:
    if is_vrma(gltf):
        if clip not in (None, gltf.path.stem):
            raise ValueError(
                f"`clip` must be left out, or {gltf.path.stem!r}: {gltf.path.name} holds one "
                f"motion. Received: {clip!r}."
            )
        return read_vrma(gltf, fps).motion(gltf.path.stem)
    index = clip_index(gltf, clip)
    animation = sample_clip(gltf, check_rig(rig_of_gltf(gltf, bone_map)), index, fps)
    return replace(animation.motion(clip_names(gltf)[index]), source=gltf.path.name)
