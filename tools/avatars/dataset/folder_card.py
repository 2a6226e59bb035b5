"""The dataset's card: every choice, every credit, and what is needed to pose the avatar again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psgan_tf import __version__
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_licence import licence_of
from psgan_tf.motion.motion_files import motion_format
from tools.avatars.dataset.worker import Job
from tools.avatars.loading.avatar import Avatar
from tools.avatars.renderer.shading import light_direction

# By role and path.
Digests = Mapping[tuple[str, Path], str]

_GROUND_RULES = {
    "motion": "one shift a motion: the lowest sole of all its frames stands on the ground",
    "frame": "each frame's lowest sole stands on the ground",
    "none": "heights as the motion says them",
}


_CAMERA_RULES = {
    "all": "fixed scale; follows the hips sideways and in depth, keeps the ground",
    "tight": "fixed scale, for 99 of 100 pictures to each side; follows the hips sideways and in "
    "depth, and half of their height",
}


def _mixed_entry(job: Job) -> dict[str, Any]:
    """How mixed poses were made, where there are any."""
    if not job.options.mixed_poses:
        return {}
    sources = [clip.name for clip in job.clips if clip.name not in job.test_motions]
    return {"mixed_poses": {"poses_per_costume": job.options.mixed_poses, "motions": sources}}


def _motion_entry(job: Job, index: int, num_poses: int, digests: Digests) -> dict[str, Any]:
    clip = job.clips[index]
    entry: dict[str, Any] = {
        "name": clip.name,
        "file": clip.path.name,
        "clip": clip.clip,
        "sha256": digests["motion", clip.path],
        "poses": num_poses,
        "split": "test" if clip.name in job.test_motions else "train",
    }
    if motion_format(clip.path) == "gltf":
        licence = licence_of(read_gltf(clip.path))
        if licence.authors or licence.name:
            entry["credit"] = licence.credit
    return entry


def _avatar_entry(job: Job, index: int, avatar: Avatar, digests: Digests) -> dict[str, Any]:
    name, costumes = job.names[index]
    return {
        "name": name,
        "file": avatar.path.name,
        "format": avatar.format,
        "sha256": digests["avatar", avatar.path],
        "costumes": list(costumes),
        "filled_keypoints": list(avatar.skeleton.filled),
        "licence": avatar.licence.to_json(),
        "camera": job.cameras[index].to_json(),
        "rest_skeleton": avatar.skeleton.to_json(),
    }


def _credits(
    job: Job, avatars: Sequence[Avatar], motions: Sequence[Mapping[str, Any]]
) -> list[str]:
    lines = [avatar.licence.credit for avatar in avatars]
    lines += [entry["credit"] for entry in motions if "credit" in entry]
    return list(dict.fromkeys([*lines, *job.options.credits]))


def _licence(job: Job, avatars: Sequence[Avatar]) -> str:
    """The user's word, else what the avatars' files say; empty where one says nothing."""
    names = [avatar.licence.name for avatar in avatars]
    return job.options.licence or ("; ".join(dict.fromkeys(names)) if all(names) else "")


def dataset_card(
    job: Job,
    avatars: Sequence[Avatar],
    poses: Sequence[int],
    digests: Digests,
) -> dict[str, Any]:
    """The entries of `card.json`. It depends on the inputs and options alone.

    Args:
        job: the job, with its cameras.
        avatars: its avatars.
        poses: for each motion, how many poses are taken.
        digests: SHA-256 of each input file by its role and path.

    Returns:
        Plain values. `rest_skeleton` and `camera` are the first avatar's; each avatar's own are in
        `avatars`.
    """
    motions = [_motion_entry(job, i, count, digests) for i, count in enumerate(poses)]
    entries = [_avatar_entry(job, i, avatar, digests) for i, avatar in enumerate(avatars)]
    options = job.options
    return {
        "name": options.name,
        "licence": _licence(job, avatars),
        "credits": _credits(job, avatars, motions),
        "source": f"rendered from {', '.join(avatar.path.name for avatar in avatars)} "
        f"by psgan_tf {__version__}",
        "permission": "claimed by the user" if options.have_permission else "by the files' terms",
        "camera": entries[0]["camera"],
        "camera_rule": _CAMERA_RULES[options.framing],
        "ground_rule": f"{options.ground}: {_GROUND_RULES[options.ground]}",
        "filled_keypoints": entries[0]["filled_keypoints"],
        "light_direction": [round(float(value), 6) for value in light_direction()],
        "choices": options.choices(),
        "costume_files": [Path(path).name for path in options.costumes if path is not None],
        "motions": motions,
        **_mixed_entry(job),
        "avatars": entries,
        "rest_skeleton": entries[0]["rest_skeleton"],
    }
