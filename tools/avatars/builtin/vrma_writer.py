"""Writes motions as VRM Animation files: what any VRM viewer plays on any VRM avatar.

One GLB with the bones as nodes in the T-pose, a linear key a frame for each bone's rotation, and
the hips' translation. Format: Khronos glTF 2.0 and the VRM consortium's `VRMC_vrm_animation-1.0`.
The bytes are a function of the motion alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from tools.avatars.builtin.curves import FloatArray
from tools.avatars.builtin.posing import BONES, FPS, BodyMotion, bone_vector, parent_bone
from tools.avatars.builtin.proportions import JOINTS

_FLOAT = 5126
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}


def glb_bytes(document: Mapping[str, Any], binary: bytes) -> bytes:
    """The GLB container of a glTF document and its one buffer."""
    text = json.dumps(document, separators=(",", ":")).encode()
    chunks = b""
    for kind, data, filler in ((_JSON_CHUNK, text, b" "), (_BINARY_CHUNK, binary, b"\0")):
        padded = data + filler * (-len(data) % 4)
        chunks += struct.pack("<II", len(padded), kind) + padded
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


class _Accessors:
    """Arrays of float32 numbers, one after another in one buffer."""

    def __init__(self) -> None:
        self.binary = b""
        self.views: list[dict[str, int]] = []
        self.entries: list[dict[str, Any]] = []

    def add(self, values: FloatArray) -> int:
        """The index of a new accessor over [K] or [K, C] values."""
        columns = np.ascontiguousarray(values.reshape(len(values), -1), "<f4")
        data = columns.tobytes()
        self.views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)})
        entry = {
            "bufferView": len(self.views) - 1,
            "componentType": _FLOAT,
            "count": len(columns),
            "type": _TYPES[columns.shape[1]],
        }
        if columns.shape[1] == 1:  # the specification wants the bounds of key times
            entry |= {"min": columns.min(0).tolist(), "max": columns.max(0).tolist()}
        self.entries.append(entry)
        self.binary += data
        return len(self.entries) - 1


def _nodes() -> list[dict[str, Any]]:
    """The bones in the T-pose, parents before children."""
    nodes: list[dict[str, Any]] = []
    for bone in BONES:
        parent = parent_bone(bone)
        place = JOINTS[bone] if parent is None else bone_vector(parent, bone)
        nodes.append({"name": bone, "translation": [round(float(value), 6) for value in place]})
        children = [index for index, name in enumerate(BONES) if parent_bone(name) == bone]
        if children:
            nodes[-1]["children"] = children
    return nodes


def _animation(name: str, motion: BodyMotion, accessors: _Accessors) -> dict[str, Any]:
    times = accessors.add(np.arange(len(motion.hips)) / FPS)
    tracks = [("hips", "translation", motion.hips)]
    tracks += [(bone, "rotation", motion.rotations[bone]) for bone in BONES]
    return {
        "name": name,
        "samplers": [
            {"input": times, "output": accessors.add(values), "interpolation": "LINEAR"}
            for _, _, values in tracks
        ],
        "channels": [
            {"sampler": index, "target": {"node": BONES.index(bone), "path": path}}
            for index, (bone, path, _) in enumerate(tracks)
        ],
    }


def vrma_bytes(name: str, motion: BodyMotion, asset: Mapping[str, Any]) -> bytes:
    """A motion as the content of a .vrma file.

    Args:
        name: the animation's name.
        motion: F frames at `posing.FPS`.
        asset: members of the file's glTF `asset` beside the version: its terms.
    """
    accessors = _Accessors()
    animation = _animation(name, motion, accessors)
    human_bones = {bone: {"node": index} for index, bone in enumerate(BONES)}
    document = {
        "asset": {"version": "2.0", **asset},
        "extensionsUsed": ["VRMC_vrm_animation"],
        "extensions": {
            "VRMC_vrm_animation": {
                "specVersion": "1.0",
                "humanoid": {"humanBones": human_bones},
            }
        },
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": _nodes(),
        "animations": [animation],
        "accessors": accessors.entries,
        "bufferViews": accessors.views,
        "buffers": [{"byteLength": len(accessors.binary)}],
    }
    return glb_bytes(document, accessors.binary)
