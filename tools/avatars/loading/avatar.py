"""An avatar as read from its file: the rig that moves it, the surfaces that show, the terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psgan_tf.motion.foot_tips import foot_tips
from psgan_tf.motion.gltf.document import Gltf, read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf, vrm_version
from psgan_tf.motion.gltf.vrm_licence import Licence, licence_of
from psgan_tf.motion.rest_skeleton import RestSkeleton, rest_skeleton_of
from psgan_tf.motion.rig import Rig
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.scene import Surfaces

_FORMATS = {"0": "VRM 0.x", "1": "VRM 1.0", None: "glTF"}


@dataclass(frozen=True, eq=False)
class Avatar:
    """An avatar that can be posed and drawn.

    Attributes:
        path: its file.
        format: "VRM 0.x", "VRM 1.0" or "glTF".
        rig: its nodes and which of them are humanoid bones.
        skeleton: its proportions; says which keypoints were filled from geometry.
        surfaces: what is drawn.
        licence: the file's terms.
    """

    path: Path
    format: str
    rig: Rig
    skeleton: RestSkeleton
    surfaces: Surfaces
    licence: Licence


def file_format(gltf: Gltf) -> str:
    """What kind of file it is, for people."""
    return _FORMATS.get(vrm_version(gltf), "VRM Animation")


def load_avatar(path: str | Path, bone_map: Mapping[str, str] | None = None) -> Avatar:
    """Reads an avatar from a GLB, glTF or VRM file.

    Args:
        path: the file.
        bone_map: humanoid bone (VRM 1.0 name) to node name, where the file and the names of its
            nodes do not say (`psgan_tf.motion.bone_names.read_bone_map` reads it from a file).

    Raises:
        ValueError: the file cannot be read, lacks a required bone or has nothing to draw.
    """
    gltf = read_gltf(path)
    rig = rig_of_gltf(gltf, bone_map)
    return Avatar(
        path=Path(path),
        format=file_format(gltf),
        rig=rig,
        skeleton=rest_skeleton_of(rig, foot_tips(gltf, rig)),
        surfaces=read_surfaces(gltf),
        licence=licence_of(gltf),
    )


def refuse_forbidden(avatars: list[Avatar], has_permission: bool) -> None:
    """Raises ValueError where a file forbids its use and no permission is claimed.

    Pictures of an avatar and a network trained on them show it from all sides, and change it
    where costumes recolour it; so terms against use by others, against modification and against
    passing the avatar on all count. This is caution, not legal advice.
    """
    for avatar in avatars:
        if avatar.licence.forbidden and not has_permission:
            raise ValueError(
                f"`{avatar.path.name}` must allow this use. Received: its terms, by which "
                f"{'; '.join(avatar.licence.forbidden)}. If you are its author or have permission, "
                "say so with --have_permission (the dataset card will tell)."
            )
