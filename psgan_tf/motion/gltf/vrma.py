"""VRM Animation files (.vrma): a glTF animation with the humanoid named by the file itself.

Only the body is read here; expression and look-at tracks are not motion of the skeleton.
Format: the VRM consortium's `VRMC_vrm_animation-1.0`.
"""

from __future__ import annotations

from psgan_tf.motion.animated_rig import RigAnimation
from psgan_tf.motion.gltf.clips import sample_clip
from psgan_tf.motion.gltf.document import Gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf, vrm_version
from psgan_tf.motion.rig import check_rig


def is_vrma(gltf: Gltf) -> bool:
    """Whether the file has the VRM animation extension (and is no avatar)."""
    return vrm_version(gltf) == "animation"


def read_vrma(gltf: Gltf, fps: float | None = None) -> RigAnimation:
    """The file's animation on its own rig.

    The specification allows one humanoid animation a file: the first.

    Args:
        gltf: the file, opened by `document.read_gltf`.
        fps: frames a second; None for the rate that the keys are set at, else 30.

    Raises:
        ValueError: no VRM animation, no keys, or a rig without legs.
    """
    if not is_vrma(gltf) or not len(gltf.items("animations")):
        raise ValueError(
            f"`{gltf.path.name}` must be a VRM animation with an animation in it. Received: "
            f"{'no animation' if is_vrma(gltf) else 'no VRMC_vrm_animation extension'}. "
            "Export it again as VRMA."
        )
    return sample_clip(gltf, check_rig(rig_of_gltf(gltf)), 0, fps)
