"""Drawable parts of a glTF or VRM avatar: meshes, skins, materials, textures, expressions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.gltf.document import Gltf
from tools.avatars.loading.materials import DEFAULT_MATERIAL, is_mtoon, read_material, uv_transform
from tools.avatars.loading.mesh_reading import (
    read_colors,
    read_morphs,
    read_normals,
    read_triangles,
    read_uvs,
    read_weights,
    smoothed_normals,
)
from tools.avatars.loading.texture_reading import TextureReader
from tools.avatars.scene import Material, MeshPart, MorphBind, Skin, Surfaces

LARGEST_TEXTURE_PX = 2048

_MOST_VERTICES = 5_000_000

# VRM 0.x's presets by the names of VRM 1.0.
_EXPRESSIONS_0 = {
    "joy": "happy",
    "sorrow": "sad",
    "fun": "relaxed",
    "a": "aa",
    "i": "ih",
    "u": "ou",
    "e": "ee",
    "o": "oh",
    "blink_l": "blinkLeft",
    "blink_r": "blinkRight",
    "lookup": "lookUp",
    "lookdown": "lookDown",
    "lookleft": "lookLeft",
    "lookright": "lookRight",
}


def _name(entry: JsonValue, fallback: str) -> str:
    raw = entry.get("name").raw
    return raw if isinstance(raw, str) and raw else fallback


def _nodes_in_scene(gltf: Gltf) -> list[int]:
    """The nodes of the file's scene; all of them where it has none."""
    scenes = gltf.items("scenes")
    if not len(scenes):
        return list(range(len(gltf.parents)))
    scene = scenes[gltf.document.get("scene", 0).index_of(scenes)]
    shown = np.zeros(len(gltf.parents), bool)
    for root in scene.get("nodes", []):
        shown[root.index_of(gltf.items("nodes"))] = True
    for node in gltf.order:
        if gltf.parents[node] >= 0:
            shown[node] |= shown[gltf.parents[node]]
    return list(np.flatnonzero(shown))


def _read_skins(gltf: Gltf) -> tuple[Skin, ...]:
    skins = []
    for entry in gltf.items("skins"):
        joints = [joint.index_of(gltf.items("nodes")) for joint in entry["joints"]]
        inverse_binds = np.tile(np.eye(4), (len(joints), 1, 1))
        if "inverseBindMatrices" in entry:
            value = entry["inverseBindMatrices"]
            matrices = gltf.accessor(value.index_of(gltf.items("accessors")))
            if matrices.shape[1:] != (4, 4) or len(matrices) < len(joints):
                raise value.error(f"must be an accessor of {len(joints)} matrices")
            inverse_binds = matrices[: len(joints)].astype(np.float64)
        skins.append(Skin(np.array(joints, np.int64), inverse_binds))
    return tuple(skins)


def _mirrors(matrix: np.ndarray) -> bool:
    return bool(np.linalg.det(matrix[:3, :3]) < 0)


class _PartReader:
    """Reads the parts of one file."""

    def __init__(self, gltf: Gltf, skins: tuple[Skin, ...], default_material: int) -> None:
        self._gltf, self._skins = gltf, skins
        self._default_material = default_material
        self._worlds = gltf.world_matrices()
        self._num_vertices = 0

    def parts_of(self, node: int) -> Iterator[MeshPart]:
        """The parts of the mesh that hangs on a node."""
        entry = self._gltf.items("nodes")[node]
        if "mesh" not in entry:
            return
        mesh = entry["mesh"].index_of(self._gltf.items("meshes"))
        for primitive in self._gltf.items("meshes")[mesh]["primitives"]:
            part = self._part(node, entry, mesh, primitive)
            if part is not None and len(part.triangles):
                yield part

    def _part(
        self, node: int, entry: JsonValue, mesh: int, primitive: JsonValue
    ) -> MeshPart | None:
        gltf, attributes = self._gltf, primitive["attributes"]
        for extension in primitive.get("extensions", {}).members():
            if "compression" in extension:
                raise primitive.error(f"must not be compressed by {extension[:80]}")
        positions = gltf.accessor(attributes["POSITION"].index_of(gltf.items("accessors")))
        if positions.ndim != 2 or positions.shape[1] != 3:
            raise attributes["POSITION"].error("must be an accessor of VEC3")
        positions = np.ascontiguousarray(positions, np.float32)
        self._num_vertices += len(positions)
        if self._num_vertices > _MOST_VERTICES:
            raise primitive.error(f"must not bring the avatar above {_MOST_VERTICES} vertices")
        triangles = read_triangles(gltf, primitive, len(positions))
        if triangles is None:
            return None
        normals = read_normals(gltf, attributes, positions, triangles)
        material, uv_set, transform = self._material_of(primitive)
        joints, weights, skin = None, None, None
        if "skin" in entry and "JOINTS_0" in attributes and "WEIGHTS_0" in attributes:
            skin = entry["skin"].index_of(gltf.items("skins"))
            joints, weights = read_weights(
                gltf, attributes, len(positions), len(self._skins[skin].joints)
            )
        if self._is_mirrored(node, skin):
            triangles = triangles[:, ::-1]
        ignores_colors = material < len(gltf.items("materials")) and is_mtoon(gltf, material)
        return MeshPart(
            mesh_name=_name(gltf.items("meshes")[mesh], f"mesh{mesh}"),
            node_name=gltf.node_names[node],
            mesh=mesh,
            node=node,
            material=material,
            positions=positions,
            normals=normals,
            smooth_normals=smoothed_normals(positions, normals),
            uvs=read_uvs(gltf, attributes, len(positions), uv_set, transform),
            colors=(
                np.ones((len(positions), 4), np.float32)
                if ignores_colors
                else read_colors(gltf, attributes, len(positions))
            ),
            triangles=np.ascontiguousarray(triangles, np.int32),
            skin=skin,
            joints=joints,
            weights=weights,
            morphs=read_morphs(gltf, gltf.items("meshes")[mesh], primitive, entry, len(positions)),
        )

    def _material_of(self, primitive: JsonValue) -> tuple[int, int, np.ndarray]:
        """(index, texture coordinate set, its transform)."""
        if "material" not in primitive:
            return self._default_material, 0, np.eye(2, 3)
        index = primitive["material"].index_of(self._gltf.items("materials"))
        return index, *uv_transform(self._gltf, index)

    def _is_mirrored(self, node: int, skin: int | None) -> bool:
        """Whether the rest pose turns the surfaces inside out (a scale of -1)."""
        if skin is None or not len(self._skins[skin].joints):
            return _mirrors(self._worlds[node])
        first = self._skins[skin]
        return _mirrors(self._worlds[first.joints[0]] @ first.inverse_binds[0])


def _morph_binds_0(gltf: Gltf, group: JsonValue) -> tuple[MorphBind, ...]:
    binds = []
    for bind in group.get("binds", []):
        # Exporters write -1 for binds whose mesh is gone.
        if bind["mesh"].integer(-1) >= 0:
            mesh = bind["mesh"].index_of(gltf.items("meshes"))
            weight = bind["weight"].number() / 100.0
            binds.append(MorphBind(mesh, bind["index"].integer(), weight))
    return tuple(binds)


def _morph_binds_1(gltf: Gltf, expression: JsonValue) -> tuple[MorphBind, ...]:
    binds = []
    for bind in expression.get("morphTargetBinds", []):
        node = gltf.items("nodes")[bind["node"].index_of(gltf.items("nodes"))]
        if "mesh" in node:
            mesh = node["mesh"].index_of(gltf.items("meshes"))
            binds.append(MorphBind(mesh, bind["index"].integer(), bind["weight"].number()))
    return tuple(binds)


def read_expressions(gltf: Gltf) -> dict[str, tuple[MorphBind, ...]]:
    """Named expressions of a VRM file by VRM 1.0's names; empty for other files."""
    extensions = gltf.document.get("extensions", {})
    expressions: dict[str, tuple[MorphBind, ...]] = {}
    if "VRM" in extensions:
        master = extensions["VRM"].get("blendShapeMaster", {})
        for group in master.get("blendShapeGroups", []):
            preset = group.get("presetName", "unknown").text().lower()
            name = _name(group, preset) if preset == "unknown" else preset
            expressions[_EXPRESSIONS_0.get(name, name)] = _morph_binds_0(gltf, group)
    if "VRMC_vrm" in extensions:
        groups = extensions["VRMC_vrm"].get("expressions", {})
        for kind in ("preset", "custom"):
            for name, expression in groups.get(kind, {}).members().items():
                expressions[name] = _morph_binds_1(gltf, expression)
    return expressions


def read_surfaces(gltf: Gltf, largest_texture_px: int = LARGEST_TEXTURE_PX) -> Surfaces:
    """Everything of an avatar that is drawn.

    Args:
        gltf: the avatar's file.
        largest_texture_px: larger textures are made smaller (they cost memory and show no more).

    Raises:
        ValueError: the file is damaged, or holds no triangles; the message names the place.
    """
    reader = TextureReader(gltf, largest_texture_px)
    materials: list[Material] = [
        read_material(gltf, index, reader.slot) for index in range(len(gltf.items("materials")))
    ]
    materials.append(DEFAULT_MATERIAL)
    skins = _read_skins(gltf)
    part_reader = _PartReader(gltf, skins, default_material=len(materials) - 1)
    parts = [part for node in _nodes_in_scene(gltf) for part in part_reader.parts_of(node)]
    if not parts:
        raise ValueError(
            f"`{gltf.path.name}` must hold a mesh of triangles. Received: none in its scene. "
            "Give a file with an avatar in it."
        )
    return Surfaces(
        textures=tuple(reader.textures),
        materials=tuple(materials),
        skins=skins,
        parts=tuple(parts),
        expressions=read_expressions(gltf),
    )
