"""Description of a file in words: meshes, bones, materials, clips, terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from psgan_tf.motion.bone_names import read_bone_map
from psgan_tf.motion.gltf.clips import clip_names
from psgan_tf.motion.gltf.document import Gltf, read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.gltf.vrm_licence import licence_of
from psgan_tf.motion.humanoid import HUMANOID_BONES, REQUIRED_BONES
from psgan_tf.motion.motion_files import list_clips, motion_format, motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from psgan_tf.motion.rig import Rig
from tools.avatars.loading.avatar import file_format
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.loading.costumes import read_costumes
from tools.avatars.scene import AlphaMode, Material, Surfaces

_MOST_LISTED = 80


def _listed(names: Iterable[str]) -> str:
    items = list(names)
    more = f" and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
    return (", ".join(items[:_MOST_LISTED]) or "none") + more


def _mesh_lines(surfaces: Surfaces) -> Iterator[str]:
    triangles = sum(len(part.triangles) for part in surfaces.parts)
    yield f"meshes: {len(surfaces.parts)} parts, {triangles:,} triangles"
    for part in surfaces.parts:
        name = part.mesh_name
        if part.node_name != name:
            name += f" (node {part.node_name})"
        carrier = (
            "rigid" if part.joints is None else f"skinned, {part.joints.shape[1]} bones a vertex"
        )
        shapes = f", {len(part.morphs.names)} shapes" if part.morphs is not None else ""
        yield (
            f"  {name}: {len(part.triangles):,} triangles of "
            f"{surfaces.materials[part.material].name}, {carrier}{shapes}"
        )


def _material_line(material: Material, surfaces: Surfaces) -> str:
    parts = [material.alpha_mode.name.lower()]
    if material.alpha_mode is AlphaMode.MASK:
        parts[0] += f" at {material.alpha_cutoff:g}"
    if material.lit_texture is not None:
        height, width = surfaces.textures[material.lit_texture].pixels.shape[:2]
        parts.append(f"texture {width} x {height}")
    if material.double_sided:
        parts.append("double-sided")
    parts.append(f"outline {material.outline_mode.name.lower().replace('_', ' ')}")
    return f"  {material.name}: {', '.join(parts)}"


def _bone_lines(rig: Rig) -> Iterator[str]:
    found = [bone for bone in HUMANOID_BONES if bone in rig.bones]
    yield f"bones found: {len(found)} of {len(HUMANOID_BONES)}: {_listed(found)}"
    missing = [bone for bone in REQUIRED_BONES if bone not in rig.bones]
    if missing:
        yield (
            f"bones missing that are required: {_listed(missing)}; name them in a bone map "
            f"(--avatar_bones). Nodes: {_listed(rig.node_names)}"
        )
        return
    try:
        filled = rest_skeleton_of(rig).filled
        yield f"keypoints filled from geometry: {_listed(filled)}"
    except ValueError as error:
        yield f"cannot be posed: {error}"


def _licence_lines(gltf: Gltf) -> Iterator[str]:
    licence = licence_of(gltf)
    yield f"terms: {licence.credit}"
    for kind, lines in (("forbidden", licence.forbidden), ("condition", licence.conditions)):
        for line in lines:
            yield f"  {kind}: {line}"
    if licence.forbidden:
        yield "  rendered only with --have_permission"


def _describe_gltf(path: Path, bone_map: Mapping[str, str] | None) -> Iterator[str]:
    gltf = read_gltf(path)
    yield f"{path.name}: {file_format(gltf)}"
    if len(gltf.items("meshes")):
        surfaces = read_surfaces(gltf)
        yield from _mesh_lines(surfaces)
        used = sorted({part.material for part in surfaces.parts})
        yield f"materials: {len(used)}"
        for index in used:
            yield _material_line(surfaces.materials[index], surfaces)
        yield f"expressions: {_listed(surfaces.expressions)}"
    else:
        yield "meshes: none; this file can move avatars but is none"
    yield from _bone_lines(rig_of_gltf(gltf, bone_map))
    yield f"clips: {_listed(clip_names(gltf))}"
    yield from _licence_lines(gltf)


def _describe_motion(path: Path) -> Iterator[str]:
    for clip in list_clips(path):
        motion = motion_from_file(path, clip)
        yield (
            f"{path.name}: {motion_format(path).upper()} motion, {motion.num_frames} frames at "
            f"{motion.fps:g} a second, {motion.duration_secs:.1f} s"
        )
        yield f"bones moved: {_listed(motion.bones)}"


def _describe_costumes(path: Path) -> Iterator[str]:
    costumes = read_costumes(path)
    yield f"{path.name}: {len(costumes)} costumes"
    for costume in costumes:
        yield (
            f"  {costume.name}: hides {_listed(costume.hide)}; shows {_listed(costume.show)}; "
            f"changes {_listed(costume.materials)}"
        )


def describe_file(path: str | Path, bone_map: Path | None = None) -> str:
    """Lines that say what an avatar, motion or costume file holds.

    Args:
        path: the file.
        bone_map: bone map file for avatars whose nodes have names of their own.

    Raises:
        ValueError: the file cannot be read or is damaged.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        lines = _describe_costumes(path)
    elif motion_format(path) == "gltf":
        lines = _describe_gltf(path, read_bone_map(bone_map) if bone_map else None)
    else:
        lines = _describe_motion(path)
    return "\n".join(lines)
