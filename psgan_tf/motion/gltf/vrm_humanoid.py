"""The humanoid of a glTF file: VRM's own map (0.x, 1.0, VRMA), a user's map, or node names."""

from __future__ import annotations

from collections.abc import Mapping

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.bone_names import apply_bone_map, match_bones
from psgan_tf.motion.gltf.document import Gltf
from psgan_tf.motion.humanoid import HUMANOID_BONES, VRM0_TO_VRM1
from psgan_tf.motion.rig import Rig


def vrm_version(gltf: Gltf) -> str | None:
    """Which VRM the file is: "0" (an avatar of VRM 0.x), "1", "animation" (VRMA) or None."""
    extensions = gltf.document.get("extensions", {})
    if "VRMC_vrm" in extensions:
        return "1"
    if "VRM" in extensions:
        return "0"
    return "animation" if "VRMC_vrm_animation" in extensions else None


def vrm_bones(gltf: Gltf) -> dict[str, int]:
    """Humanoid bone (VRM 1.0 name) to node, as the file's VRM extension says.

    Raises:
        ValueError: the file has no VRM extension, or the extension is damaged.
    """
    extensions = gltf.document.get("extensions", {})
    version = vrm_version(gltf)
    if version is None:
        raise ValueError(
            f"`{gltf.path.name}` must have a VRM extension. Received: plain glTF. "
            "Use the node names or give a bone map."
        )
    if version == "0":
        return _vrm0_bones(extensions["VRM"]["humanoid"]["humanBones"], gltf.items("nodes"))
    extension = extensions["VRMC_vrm" if version == "1" else "VRMC_vrm_animation"]
    return {
        bone: entry["node"].index_of(gltf.items("nodes"))
        for bone, entry in extension["humanoid"]["humanBones"].members().items()
        if bone in HUMANOID_BONES and "node" in entry
    }


def _vrm0_bones(human_bones: JsonValue, nodes: JsonValue) -> dict[str, int]:
    bones: dict[str, int] = {}
    for entry in human_bones:
        name = entry["bone"].text()
        bone = VRM0_TO_VRM1.get(name, name)
        node = entry["node"].integer(-1)  # some exporters write -1 for a bone that is not there
        if bone in HUMANOID_BONES and node >= 0:
            bones.setdefault(bone, entry["node"].index_of(nodes))
    return bones


def rig_of_gltf(gltf: Gltf, bone_map: Mapping[str, str] | None = None) -> Rig:
    """The rig of a glTF file, unchecked (see `rig.check_rig`).

    Args:
        gltf: the file.
        bone_map: humanoid bone to node name, in place of what the file says.

    Raises:
        ValueError: the file's humanoid is damaged or the map names a node that is not there.
    """
    names = gltf.node_names
    if bone_map is not None:
        bones = apply_bone_map(bone_map, names)
    elif vrm_version(gltf) is not None:
        bones = vrm_bones(gltf)
    else:
        order = [int(node) for node in gltf.order]
        joints = _skin_joints(gltf)
        match = match_bones(
            [names[node] for node in order],
            {place for place, node in enumerate(order) if node in joints},
        )
        bones = {bone: order[place] for bone, place in match.bones.items()}
    gltf.world_matrices()  # raises where the tree's numbers overflow
    return Rig(
        source=gltf.path.name,
        node_names=names,
        parents=gltf.parents,
        order=gltf.order,
        rest_translations=gltf.translations,
        rest_rotations=gltf.rotations,
        rest_scales=gltf.scales,
        rest_matrices=gltf.local_matrices,
        bones=bones,
    )


def _skin_joints(gltf: Gltf) -> set[int]:
    nodes = gltf.items("nodes")
    return {
        joint.index_of(nodes) for skin in gltf.items("skins") for joint in skin.get("joints", [])
    }
