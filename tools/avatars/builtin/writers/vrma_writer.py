"""Writes motions as VRM Animation files: what any VRM viewer plays on any VRM avatar.

One GLB with the bones as nodes in the T-pose, a linear key a frame for each bone's rotation, and
the hips' translation. Format: Khronos glTF 2.0 and the VRM consortium's `VRMC_vrm_animation-1.0`.
The bytes are a function of the motion alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tools.avatars.builtin.body.proportions import JOINTS
from tools.avatars.builtin.motions.posing import BONES, FPS, BodyMotion, bone_vector, parent_bone
from tools.avatars.builtin.writers.glb import GlbDocument


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


def _add_animation(document: GlbDocument, name: str, motion: BodyMotion) -> None:
    key_times = np.arange(len(motion.hips), dtype=np.float32) / np.float32(FPS)
    times = document.accessor(key_times, bounds=True)
    tracks = [("hips", "translation", motion.hips)]
    tracks += [(bone, "rotation", motion.rotations[bone]) for bone in BONES]
    document.add(
        "animations",
        {
            "name": name,
            "samplers": [
                {
                    "input": times,
                    "output": document.accessor(values.astype(np.float32)),
                    "interpolation": "LINEAR",
                }
                for _, _, values in tracks
            ],
            "channels": [
                {"sampler": index, "target": {"node": BONES.index(bone), "path": path}}
                for index, (bone, path, _) in enumerate(tracks)
            ],
        },
    )


def vrma_bytes(name: str, motion: BodyMotion, asset: Mapping[str, Any]) -> bytes:
    """A motion as the content of a .vrma file.

    Args:
        name: the animation's name.
        motion: F frames at `posing.FPS`.
        asset: members of the file's glTF `asset` beside the version: its terms.
    """
    document = GlbDocument(
        {
            "asset": {"version": "2.0", **asset},
            "extensionsUsed": ["VRMC_vrm_animation"],
            "extensions": {
                "VRMC_vrm_animation": {
                    "specVersion": "1.0",
                    "humanoid": {
                        "humanBones": {bone: {"node": index} for index, bone in enumerate(BONES)}
                    },
                }
            },
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": _nodes(),
            "animations": [],
        }
    )
    _add_animation(document, name, motion)
    return document.to_bytes()
