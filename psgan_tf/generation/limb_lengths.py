"""Limb lengths of flat poses: the poses' own, or those of the model's avatar."""

from __future__ import annotations

from dataclasses import replace

from psgan_tf.generation.pose_spec import Stage
from psgan_tf.keypoints.placement import hide_outside
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.keypoints.timed_poses import TimedPoses
from psgan_tf.motion.keypoint_retarget import retarget_flat

# Whose limb lengths poses get: the model's where theirs are another body's; the model's; theirs.
LIMBS = ("auto", "model", "source")


def _knows_limbs(stage: Stage) -> bool:
    """Whether flat poses can be brought to the limbs of the stage's avatar."""
    has_body = stage.rest_skeleton is not None and stage.camera is not None
    return has_body and stage.skeleton == SKELETONS["avatar20"]


def _have_limbs_of(stage: Stage, poses: TimedPoses) -> bool:
    """Whether poses are known to be, or were written as, those of the stage's avatar."""
    rest = stage.rest_skeleton
    same_avatar = rest is not None and poses.rest_skeleton == rest.to_json()
    return poses.written_in_schema or same_avatar


def _stay(poses: TimedPoses, stage: Stage) -> bool:
    """Whether `auto` leaves poses as they are: they need no change, or cannot have it."""
    if _have_limbs_of(stage, poses) or not _knows_limbs(stage):
        return True
    return not poses.keypoints[:, stage.skeleton.index("hips"), 2].any()


def with_limbs(poses: TimedPoses, stage: Stage, limbs: str) -> TimedPoses:
    """The poses with the limb lengths that are wanted, see `motion/keypoint_retarget.py`.

    Args:
        poses: of the stage's schema and frame.
        stage: the model's avatar and camera.
        limbs: one of LIMBS.

    Raises:
        ValueError: `model` is asked for and the stage does not know its avatar, or no frame shows
            the hips.
    """
    if limbs == "source" or (limbs == "auto" and _stay(poses, stage)):
        return poses
    if not _knows_limbs(stage):
        raise ValueError(
            "`limbs` can be the model's where it takes poses of avatar20 and its dataset card has "
            "a rest skeleton and a camera. Received: a model without. Use --limbs=source."
        )
    assert stage.rest_skeleton is not None
    assert stage.camera is not None
    moved = retarget_flat(poses.keypoints, stage.rest_skeleton, stage.camera, stage.ground)
    return replace(poses, keypoints=hide_outside(moved, stage.frame_px))
