"""Assignment of a plain rig's nodes to humanoid bones, by name or by a user's map file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psgan_tf.common.files import read_source
from psgan_tf.common.json_document import parse_json
from psgan_tf.motion.bone_name_tables import CONVENTIONS, BoneNameTable
from psgan_tf.motion.humanoid import HUMANOID_BONES, REQUIRED_BONES

# Words as names run them together: `LHipJoint` is L, Hip, Joint; `spine_01` is spine, 01.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_SIDE_WORDS = {"l": "left", "left": "left", "r": "right", "right": "right"}
_JAPANESE_SIDES = {"左": "left", "右": "right"}
_PREFIX_WORDS = frozenset(
    [
        "mixamorig",
        "bip",
        "j",
        "c",
        "def",
        "org",
        "joint",
        "jnt",
        "character",
        "armature",
        "rig",
        "cc",
    ]
)


@dataclass(frozen=True)
class BoneMatch:
    """The outcome of `match_bones`.

    Attributes:
        convention: name of the table that explained most bones.
        bones: humanoid bone to node index.
        missing: required bones that no node was found for.
    """

    convention: str
    bones: Mapping[str, int]
    missing: tuple[str, ...]


def side_and_stem(name: str) -> tuple[str, str]:
    """("left", "right" or "", stem) of a node's name.

    `mixamorig:LeftForeArm` gives ("left", "forearm"), `spine_01` gives ("", "spine01").
    """
    name = unicodedata.normalize("NFKC", name)
    name = re.split(r"[:|]", name)[-1]
    if name[:1] in _JAPANESE_SIDES:
        return _JAPANESE_SIDES[name[0]], name[1:].lower()
    words = [word.lower() for word in _WORDS.findall(name)]
    side = next((word for word in words if word in _SIDE_WORDS), "")
    if side:
        words.remove(side)
    while words and (words[0] in _PREFIX_WORDS or (words[0].isdigit() and len(words) > 1)):
        del words[0]
    if words and words[-1] == "armature":
        del words[-1]
    return _SIDE_WORDS.get(side, ""), "".join(words)


def match_bones(names: Sequence[str], preferred: Container[int] = ()) -> BoneMatch:
    """Finds the humanoid in a rig's node names, by the convention that explains it best.

    Args:
        names: node names, parents before children.
        preferred: indices of nodes to take where several bear one name (the skin's joints).
    """
    nodes: dict[tuple[str, str], int] = {}
    for index, name in enumerate(names):
        key = side_and_stem(name)
        if key not in nodes or (index in preferred and nodes[key] not in preferred):
            nodes[key] = index
    matches = [
        BoneMatch(convention, bones, tuple(b for b in REQUIRED_BONES if b not in bones))
        for convention, table in CONVENTIONS.items()
        for bones in [_bones_by_table(nodes, table)]
    ]
    return max(matches, key=lambda match: (-len(match.missing), len(match.bones)))


def _bones_by_table(nodes: Mapping[tuple[str, str], int], table: BoneNameTable) -> dict[str, int]:
    bones: dict[str, int] = {}
    for bone in HUMANOID_BONES:
        side = next((s for s in ("left", "right") if bone.startswith(s)), "")
        for stem in table.get(bone.removeprefix(side), "").split():
            node = nodes.get((side, stem))
            if node is not None and node not in bones.values():
                bones[bone] = node
                break
    return bones


def read_bone_map(path: str | Path) -> dict[str, str]:
    """A user's map file: a JSON object from humanoid bones (VRM 1.0 names) to node names.

    Raises:
        ValueError: not such a file, or a bone it names does not exist.
    """
    path = Path(path)
    document = parse_json(read_source(path), path.name)
    unknown = [bone for bone in document.members() if bone not in HUMANOID_BONES]
    if unknown:
        raise ValueError(
            f"`{path.name}` must name VRM 1.0 humanoid bones. Received: {', '.join(unknown[:5])}. "
            f"Known bones are {', '.join(HUMANOID_BONES[:6])}, leftUpperArm, leftHand, "
            "leftUpperLeg, leftFoot ..."
        )
    return {bone: value.text() for bone, value in document.members().items()}


def apply_bone_map(bone_map: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """Humanoid bone to node index for a map of node names; ValueError where a node is missing."""
    absent = [name for name in bone_map.values() if name not in names]
    if absent:
        raise ValueError(
            f"`bone_map` must name nodes of the rig. Received: {', '.join(absent[:5])}. "
            f"The rig has {', '.join(list(names)[:40])}."
        )
    return {bone: list(names).index(name) for bone, name in bone_map.items()}
