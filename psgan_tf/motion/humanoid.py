"""The humanoid every rig and every motion is described by: VRM 1.0's bones and their parents.

Also the two ways in which VRM 0.x differs: the names of the thumb's bones, and which bones must
be there (VRM specification, `VRMC_vrm-1.0/humanoid.md`; UniVRM 0.x schema, `humanoid`).
"""

from __future__ import annotations

from collections.abc import Mapping

SIDES = ("left", "right")
_FINGERS = ("Index", "Middle", "Ring", "Little")


def _parents() -> dict[str, str | None]:
    parents: dict[str, str | None] = {
        "hips": None,
        "spine": "hips",
        "chest": "spine",
        "upperChest": "chest",
        "neck": "upperChest",
        "head": "neck",
        "leftEye": "head",
        "rightEye": "head",
        "jaw": "head",
    }
    for side in SIDES:
        chains = [
            ("hips", "UpperLeg", "LowerLeg", "Foot", "Toes"),
            ("upperChest", "Shoulder", "UpperArm", "LowerArm", "Hand"),
            (f"{side}Hand", "ThumbMetacarpal", "ThumbProximal", "ThumbDistal"),
            *(
                (f"{side}Hand", f"{finger}Proximal", f"{finger}Intermediate", f"{finger}Distal")
                for finger in _FINGERS
            ),
        ]
        for first, *rest in chains:
            parent = first
            for name in rest:
                parents[side + name] = parent
                parent = side + name
    return parents


# Each bone's parent in the full humanoid; parents stand before their children.
BONE_PARENTS: Mapping[str, str | None] = _parents()
HUMANOID_BONES: tuple[str, ...] = tuple(BONE_PARENTS)

# VRM 1.0's required bones: without one of them a figure has no posable trunk, arm or leg.
REQUIRED_BONES: tuple[str, ...] = (
    "hips",
    "spine",
    "head",
    *(
        side + name
        for name in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
        for side in SIDES
    ),
)

# A bone that must lie below another one for its limb to bend.
LIMB_PARENTS: Mapping[str, str] = {
    side + child: side + parent
    for side in SIDES
    for child, parent in [
        ("LowerArm", "UpperArm"),
        ("Hand", "LowerArm"),
        ("LowerLeg", "UpperLeg"),
        ("Foot", "LowerLeg"),
        ("Toes", "Foot"),
    ]
}

# VRM 0.x calls the thumb's bones as it does the other fingers'.
VRM0_TO_VRM1: Mapping[str, str] = {
    side + old: side + new
    for side in SIDES
    for old, new in [
        ("ThumbProximal", "ThumbMetacarpal"),
        ("ThumbIntermediate", "ThumbProximal"),
    ]
}


def ancestor_among(bone: str, present: Mapping[str, object]) -> str | None:
    """The nearest ancestor of `bone` in the full humanoid that is in `present`."""
    parent = BONE_PARENTS[bone]
    while parent is not None and parent not in present:
        parent = BONE_PARENTS[parent]
    return parent
