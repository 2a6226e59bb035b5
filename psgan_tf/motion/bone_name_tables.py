"""Names of the humanoid's bones in rigs of various origin: one table per convention.

A table maps a bone, without its side, to the stems of node names that mean it, best first. A stem
is what `bone_names.side_and_stem` leaves of a name: lower case, without separators, side and
exporter's prefix; so `mixamorig:LeftForeArm` and `Bip01 L Forearm` are both ("left", "forearm").
"""

from __future__ import annotations

from collections.abc import Mapping

BoneNameTable = Mapping[str, str]

_FINGER_PARTS = {
    "thumb": ("Metacarpal", "Proximal", "Distal"),
    "index": ("Proximal", "Intermediate", "Distal"),
    "middle": ("Proximal", "Intermediate", "Distal"),
    "ring": ("Proximal", "Intermediate", "Distal"),
    "little": ("Proximal", "Intermediate", "Distal"),
}


def _fingers(pattern: str, joints: tuple[str, str, str], **renamed: str) -> dict[str, str]:
    """Finger stems: `pattern` with {finger}, as `renamed` calls it, and {joint} of `joints`."""
    return {
        finger.capitalize() + part: pattern.format(finger=renamed.get(finger, finger), joint=joint)
        for finger, parts in _FINGER_PARTS.items()
        for part, joint in zip(parts, joints, strict=True)
    }


_VRM: BoneNameTable = {
    "hips": "hips",
    "spine": "spine",
    "chest": "chest",
    "upperChest": "upperchest",
    "neck": "neck",
    "head": "head",
    "jaw": "jaw",
    "Eye": "eye",
    "Shoulder": "shoulder",
    "UpperArm": "upperarm",
    "LowerArm": "lowerarm",
    "Hand": "hand",
    "UpperLeg": "upperleg",
    "LowerLeg": "lowerleg",
    "Foot": "foot",
    "Toes": "toes toe toebase",
    **_fingers("{finger}{joint}", ("proximal", "intermediate", "distal")),
    "ThumbMetacarpal": "thumbmetacarpal",
    "ThumbProximal": "thumbproximal",
}

# Mixamo, Ready Player Me, HumanIK, Rokoko: LeftUpLeg, LeftArm, LeftHandIndex1.
_MIXAMO: BoneNameTable = {
    "hips": "hips",
    "spine": "spine",
    "chest": "spine1 chest",
    "upperChest": "spine2",
    "neck": "neck",
    "head": "head",
    "Eye": "eye",
    "Shoulder": "shoulder",
    "UpperArm": "arm",
    "LowerArm": "forearm",
    "Hand": "hand",
    "UpperLeg": "upleg",
    "LowerLeg": "leg",
    "Foot": "foot",
    "Toes": "toebase",
    **_fingers("hand{finger}{joint}", ("1", "2", "3"), little="pinky"),
}

# CMU's motion capture as converted for MotionBuilder: the spine starts one joint lower.
_CMU: BoneNameTable = {
    **_MIXAMO,
    "spine": "lowerback",
    "chest": "spine",
    "upperChest": "spine1",
}

# Unreal Engine's mannequin, Mesh2Motion.
_UNREAL: BoneNameTable = {
    "hips": "pelvis",
    "spine": "spine01",
    "chest": "spine02",
    "upperChest": "spine03",
    "neck": "neck01",
    "head": "head",
    "Shoulder": "clavicle",
    "UpperArm": "upperarm",
    "LowerArm": "lowerarm",
    "Hand": "hand",
    "UpperLeg": "thigh",
    "LowerLeg": "calf",
    "Foot": "foot",
    "Toes": "ball",
    **_fingers("{finger}{joint}", ("01", "02", "03"), little="pinky"),
}

# Blender: Rigify's deform bones, KayKit, and rigs named by hand in the same habit.
_RIGIFY: BoneNameTable = {
    "hips": "hips pelvis spine",
    "spine": "spine001 spine",
    "chest": "spine002 chest",
    "upperChest": "spine003 upperchest",
    "neck": "spine004 neck",
    "head": "spine006 head",
    "jaw": "jaw",
    "Eye": "eye",
    "Shoulder": "shoulder clavicle",
    "UpperArm": "upperarm",
    "LowerArm": "forearm lowerarm",
    "Hand": "hand",
    "UpperLeg": "thigh upperleg",
    "LowerLeg": "shin calf lowerleg",
    "Foot": "foot",
    "Toes": "toe toes",
    **_fingers("f{finger}{joint}", ("01", "02", "03"), little="pinky"),
    **{
        f"Thumb{part}": f"thumb{joint}"
        for part, joint in [("Metacarpal", "01"), ("Proximal", "02"), ("Distal", "03")]
    },
}

# VRoid Studio: J_Bip_C_Hips, J_Bip_L_UpperArm, J_Bip_L_Index1.
_VROID: BoneNameTable = {**_VRM, **_fingers("{finger}{joint}", ("1", "2", "3"))}

# 3ds Max Biped: Bip01 Pelvis, Bip01 L Thigh, Bip01 L Finger01.
_BIPED: BoneNameTable = {
    "hips": "pelvis",
    "spine": "spine",
    "chest": "spine1",
    "upperChest": "spine2",
    "neck": "neck",
    "head": "head",
    "Shoulder": "clavicle",
    "UpperArm": "upperarm",
    "LowerArm": "forearm",
    "Hand": "hand",
    "UpperLeg": "thigh",
    "LowerLeg": "calf",
    "Foot": "foot",
    "Toes": "toe0",
    **_fingers(
        "finger{finger}{joint}",
        ("", "1", "2"),
        thumb="0",
        index="1",
        middle="2",
        ring="3",
        little="4",
    ),
}

# SMPL and the classic Biovision names: the joint's name instead of the bone's.
_JOINTS: BoneNameTable = {
    "hips": "pelvis hips hip",
    "spine": "spine1 spine chest",
    "chest": "spine2 chest chest2",
    "upperChest": "spine3 chest3",
    "neck": "neck",
    "head": "head",
    "Shoulder": "collar",
    "UpperArm": "shoulder",
    "LowerArm": "elbow",
    "Hand": "wrist",
    "UpperLeg": "hip",
    "LowerLeg": "knee",
    "Foot": "ankle",
    "Toes": "foot toe",
}

# Poser and Daz Studio: hip, abdomen, lShldr, lForeArm, lThigh, lShin.
_POSER: BoneNameTable = {
    "hips": "hip",
    "spine": "abdomen",
    "chest": "chest",
    "neck": "neck",
    "head": "head",
    "Eye": "eye",
    "Shoulder": "collar",
    "UpperArm": "shldr",
    "LowerArm": "forearm",
    "Hand": "hand",
    "UpperLeg": "thigh buttock",
    "LowerLeg": "shin",
    "Foot": "foot",
    "Toes": "toe",
}

# MikuMikuDance models that kept their Japanese names. The trunk there hangs from the waist or the
# centre, because its lower half is no ancestor of the upper one.
_MMD: BoneNameTable = {
    "hips": "腰 グルーブ センター",
    "spine": "上半身",
    "chest": "上半身2",
    "upperChest": "上半身3",
    "neck": "首",
    "head": "頭",
    "Eye": "目",
    "Shoulder": "肩",
    "UpperArm": "腕",
    "LowerArm": "ひじ",
    "Hand": "手首",
    "UpperLeg": "足",
    "LowerLeg": "ひざ",
    "Foot": "足首",
    "Toes": "足先ex つま先",
    **_fingers(
        "{finger}{joint}",
        ("1", "2", "3"),
        index="人指",
        middle="中指",
        ring="薬指",
        little="小指",
    ),
    "ThumbMetacarpal": "親指0",
    "ThumbProximal": "親指1",
    "ThumbDistal": "親指2",
}

# MMD's names in English, common among avatars for social worlds: Left arm, Left elbow, Left knee.
_TRANSLATED_MMD: BoneNameTable = {
    **_VRM,
    "UpperArm": "arm",
    "LowerArm": "elbow",
    "Hand": "wrist",
    "UpperLeg": "leg",
    "LowerLeg": "knee",
    "Foot": "ankle",
    "Toes": "toe",
    **_fingers("{finger}finger{joint}", ("1", "2", "3")),
    "ThumbMetacarpal": "thumb0",
    "ThumbProximal": "thumb1",
    "ThumbDistal": "thumb2",
}

CONVENTIONS: Mapping[str, BoneNameTable] = {
    "VRM": _VRM,
    "Mixamo": _MIXAMO,
    "CMU": _CMU,
    "Unreal": _UNREAL,
    "Rigify": _RIGIFY,
    "VRoid": _VROID,
    "Biped": _BIPED,
    "joints": _JOINTS,
    "Poser": _POSER,
    "MMD": _MMD,
    "translated MMD": _TRANSLATED_MMD,
}
