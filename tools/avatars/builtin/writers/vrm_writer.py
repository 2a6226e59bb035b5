"""Writes parts as a VRM 1.0 file (glTF binary; `VRMC_vrm` 1.0, `VRMC_materials_mtoon` 1.0).

The same parts give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from psgan_tf.common.files import write_atomically
from psgan_tf.motion.humanoid import BONE_PARENTS
from tools.avatars.builtin.body.proportions import JOINT_NAMES, JOINTS
from tools.avatars.builtin.shapes.part import Part, Picture, ToonMaterial
from tools.avatars.builtin.writers.glb import ARRAY_BUFFER, ELEMENT_BUFFER, GlbDocument

_INFLUENCES = 4
_ROOT = "Koharu"

META: dict[str, Any] = {
    "name": "Koharu",
    "version": "1",
    "authors": ["The psgan_tf authors"],
    "copyrightInformation": "The psgan_tf authors, under the Apache License 2.0",
    "licenseUrl": "https://vrm.dev/licenses/1.0/",
    "otherLicenseUrl": "https://www.apache.org/licenses/LICENSE-2.0",
    "avatarPermission": "everyone",
    "allowExcessivelyViolentUsage": True,
    "allowExcessivelySexualUsage": False,
    "commercialUsage": "corporation",
    "allowPoliticalOrReligiousUsage": True,
    "allowAntisocialOrHateUsage": False,
    "creditNotation": "unnecessary",
    "allowRedistribution": True,
    "modification": "allowModificationRedistribution",
}


def linear_color(text: str) -> list[float]:
    """Linear light of "#rrggbb"."""
    encoded = np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return [round(float(channel), 6) for channel in linear]


def strongest_weights(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """([V, 4] uint8 joints, [V, 4] float32 weights that sum to 1) of [V, J] weights."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    kept = np.take_along_axis(weights, order, axis=1)
    if kept.shape[1] < _INFLUENCES:
        missing = ((0, 0), (0, _INFLUENCES - kept.shape[1]))
        order, kept = np.pad(order, missing), np.pad(kept, missing)
    kept = kept / kept.sum(axis=1, keepdims=True)
    return np.where(kept > 0, order, 0).astype(np.uint8), kept.astype(np.float32)


class _Document(GlbDocument):
    """A document that stores each texture and material once."""

    def __init__(self) -> None:
        super().__init__(
            {
                "asset": {
                    "version": "2.0",
                    "generator": "psgan_tf",
                    "copyright": META["authors"][0],
                },
                "extensionsUsed": ["VRMC_vrm", "VRMC_materials_mtoon", "KHR_materials_unlit"],
                "scene": 0,
                "scenes": [{"nodes": [0]}],
                "nodes": [],
                "skins": [],
                "meshes": [],
                "materials": [],
                "textures": [],
                "images": [],
                "samplers": [
                    {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
                ],
            }
        )
        self._materials: dict[str, tuple[int, ToonMaterial]] = {}
        self._textures: dict[str, tuple[int, Picture]] = {}

    def texture(self, picture: Picture) -> int:
        """A picture as a texture; each is stored once."""
        if picture.name in self._textures:
            index, known = self._textures[picture.name]
            if known is not picture and not np.array_equal(known.pixels, picture.pixels):
                raise ValueError(
                    f"`parts` must give textures of different content different names. Received: "
                    f"{picture.name!r} twice. Rename one."
                )
            return index
        buffer = io.BytesIO()
        Image.fromarray(picture.pixels).save(buffer, "PNG", compress_level=9)
        image = {"name": picture.name, "mimeType": "image/png"}
        source = self.add("images", image | {"bufferView": self.view(buffer.getvalue())})
        index = self.add("textures", {"name": picture.name, "sampler": 0, "source": source})
        self._textures[picture.name] = (index, picture)
        return index

    def material(self, material: ToonMaterial) -> int:
        """A material; each is stored once."""
        if material.name in self._materials:
            index, known = self._materials[material.name]
            if known != material:
                raise ValueError(
                    f"`parts` must give materials of different content different names. Received: "
                    f"{material.name!r} twice. Rename one."
                )
            return index
        texture = None if material.texture is None else {"index": self.texture(material.texture)}
        index = self.add("materials", _material_entry(material, texture))
        self._materials[material.name] = (index, material)
        return index


def _material_entry(material: ToonMaterial, texture: dict[str, int] | None) -> dict[str, Any]:
    surface: dict[str, Any] = {
        "baseColorFactor": [*linear_color(material.color), 1.0],
        "metallicFactor": 0.0,
        "roughnessFactor": 1.0,
    }
    mtoon: dict[str, Any] = {
        "specVersion": "1.0",
        "transparentWithZWrite": False,
        "renderQueueOffsetNumber": material.blend_order,
        "shadeColorFactor": linear_color(material.shade_color),
        "shadingShiftFactor": material.shading_shift,
        "shadingToonyFactor": material.shading_toony,
        "giEqualizationFactor": 0.9,
        "parametricRimColorFactor": linear_color(material.rim_color),
        "parametricRimFresnelPowerFactor": 5.0,
        "rimLightingMixFactor": 1.0,
        "outlineWidthMode": "worldCoordinates" if material.outline_metres else "none",
        "outlineWidthFactor": material.outline_metres,
        "outlineColorFactor": linear_color(material.outline_color),
        "outlineLightingMixFactor": material.outline_mix,
    }
    if texture is not None:
        surface["baseColorTexture"] = texture
        mtoon["shadeMultiplyTexture"] = texture
    entry: dict[str, Any] = {
        "name": material.name,
        "pbrMetallicRoughness": surface,
        "alphaMode": material.alpha_mode,
        "doubleSided": material.double_sided,
        "extensions": {"VRMC_materials_mtoon": mtoon, "KHR_materials_unlit": {}},
    }
    if material.alpha_mode == "MASK":
        entry["alphaCutoff"] = 0.5
    return entry


def _add_bones(document: _Document) -> dict[str, int]:
    """The root and the bones as nodes; returns bone to node."""
    document.add("nodes", {"name": _ROOT, "children": []})
    nodes: dict[str, int] = {}
    for name in JOINT_NAMES:
        parent = BONE_PARENTS[name]
        origin = np.zeros(3) if parent is None else JOINTS[parent]
        nodes[name] = document.add(
            "nodes",
            {"name": name, "translation": np.round(JOINTS[name] - origin, 6).tolist()},
        )
        owner = document.json["nodes"][0 if parent is None else nodes[parent]]
        owner.setdefault("children", []).append(nodes[name])
    inverse_binds = np.tile(np.eye(4, dtype=np.float32), (len(JOINT_NAMES), 1, 1))
    # glTF stores matrices by columns, so the translation stands in the last row.
    inverse_binds[:, 3, :3] = [-JOINTS[name] for name in JOINT_NAMES]
    document.add(
        "skins",
        {
            "name": _ROOT,
            "joints": [nodes[name] for name in JOINT_NAMES],
            "skeleton": nodes["hips"],
            "inverseBindMatrices": document.accessor(inverse_binds),
        },
    )
    return nodes


def _add_part(document: _Document, part: Part) -> int:
    """A part as a mesh and its node; returns the node."""
    joints, weights = strongest_weights(part.weights_for(JOINT_NAMES))

    def floats(values: np.ndarray, bounds: bool = False) -> int:
        return document.accessor(values.astype(np.float32), ARRAY_BUFFER, bounds)

    primitive: dict[str, Any] = {
        "attributes": {
            "POSITION": floats(part.positions, bounds=True),
            "NORMAL": floats(part.normals),
            "TEXCOORD_0": floats(part.uvs),
            "JOINTS_0": document.accessor(joints, ARRAY_BUFFER),
            "WEIGHTS_0": floats(weights),
        },
        "indices": _add_indices(document, part),
        "material": document.material(part.material),
    }
    mesh: dict[str, Any] = {"name": part.name, "primitives": [primitive]}
    if part.shapes:
        primitive["targets"] = [
            {"POSITION": floats(moved, bounds=True)} for moved in part.shapes.values()
        ]
        mesh["weights"] = [0.0] * len(part.shapes)
        mesh["extras"] = {"targetNames": list(part.shapes)}
    node = {"name": part.name, "mesh": document.add("meshes", mesh), "skin": 0}
    index = document.add("nodes", node)
    # A skinned mesh goes where its bones are, so it stands beside the root, not below it.
    document.json["scenes"][0]["nodes"].append(index)
    return index


def _add_indices(document: _Document, part: Part) -> int:
    few = len(part.positions) < 65535
    indices = part.triangles.ravel().astype(np.uint16 if few else np.uint32)
    return document.accessor(indices, ELEMENT_BUFFER)


def _expressions(parts: Sequence[Part], nodes: Sequence[int]) -> dict[str, Any]:
    presets: dict[str, Any] = {}
    for part, node in zip(parts, nodes, strict=True):
        for index, name in enumerate(part.shapes):
            expression = presets.setdefault(name, {"isBinary": True, "morphTargetBinds": []})
            expression["morphTargetBinds"].append({"node": node, "index": index, "weight": 1.0})
    return {"preset": dict(sorted(presets.items()))}


def vrm_bytes(parts: Sequence[Part], meta: Mapping[str, Any] = META) -> bytes:
    """A VRM 1.0 file of parts on Koharu's bones.

    Args:
        parts: each becomes a mesh and a node of its name; shapes become expressions of their name.
        meta: `VRMC_vrm.meta`.

    Raises:
        ValueError: two parts share a name, or two materials or textures share one and differ.
    """
    names = [part.name for part in parts]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"`parts` must have different names. Received: {twice} twice. Rename one.")
    document = _Document()
    bones = _add_bones(document)
    nodes = [_add_part(document, part) for part in parts]
    document.json["extensions"] = {
        "VRMC_vrm": {
            "specVersion": "1.0",
            "meta": dict(meta),
            "humanoid": {"humanBones": {name: {"node": node} for name, node in bones.items()}},
            "expressions": _expressions(parts, nodes),
        }
    }
    return document.to_bytes()


def write_vrm(path: str | Path, parts: Sequence[Part]) -> None:
    """Writes `vrm_bytes(parts)`; the file appears whole or not at all."""
    write_atomically(Path(path), vrm_bytes(parts))
