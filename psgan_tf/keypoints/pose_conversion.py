"""Poses from any file or folder into files of any form.

| format | one file holds | schemas | x and y are in pixels of |
|---|---|---|---|
| `psgan` | any number of poses, with `fps` and `names` | any | `image_size` |
| `openpose` | one pose | body25, openpose18, coco17 | the picture, noted as a canvas |
| `controlnet` | one pose, or a list of them | openpose18, body25 | the canvas |
| `coco` | any number of poses, with names | coco17 | `images` |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.common.files import json_text, read_json, write_atomically
from psgan_tf.keypoints.coco import COCO17, CocoPose, coco_document
from psgan_tf.keypoints.dataset_folder import is_dataset_folder, read_folder
from psgan_tf.keypoints.openpose import FILE_ENDING, OPENPOSE18, OPENPOSE_SCHEMAS, openpose_document
from psgan_tf.keypoints.pose_files import (
    FilePose,
    Size,
    own_document,
    parse_poses,
    pose_files_in,
    pose_name,
    read_fps,
)
from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from psgan_tf.keypoints.schema_conversion import check_convertible, convert_keypoints
from psgan_tf.keypoints.timed_poses import read_timed_poses, split_source

_MOTION_ENDINGS = (".bvh", ".vmd", ".vrma", ".glb", ".gltf")

FORMATS = ("psgan", "openpose", "controlnet", "coco")

_SCHEMAS_OF_FORMAT = {
    "openpose": OPENPOSE_SCHEMAS,
    "controlnet": (OPENPOSE18.name, "body25"),
    "coco": (COCO17.name,),
}


@dataclass(frozen=True, eq=False)
class PoseSet:
    """Poses that belong together.

    Attributes:
        poses: at least one; in the order of time where they are a motion.
        fps: poses a second, where the source says it.
    """

    poses: tuple[FilePose, ...]
    fps: float | None = None

    @property
    def skeleton(self) -> Skeleton:
        """The schema of the first pose that shows anyone."""
        shown = (pose for pose in self.poses if pose.keypoints[:, 2].any())
        return next(shown, self.poses[0]).skeleton

    def converted(self, skeleton: Skeleton) -> PoseSet:
        """The same poses in another schema.

        Raises:
            ValueError: it shares no joint with theirs, or none that they show.
        """
        poses = []
        for pose in self.poses:
            check_convertible(pose.skeleton, skeleton)
            keypoints = convert_keypoints(pose.keypoints, pose.skeleton, skeleton)
            poses.append(pose._replace(skeleton=skeleton, keypoints=keypoints))
        if not any(pose.keypoints[:, 2].any() for pose in poses):
            raise ValueError(
                f"`input` must show a joint of schema {skeleton.name!r}. Received: "
                f"{len(poses)} poses of {self.skeleton.name!r} in which none is visible. "
                "Take another file, or another `--person`."
            )
        return PoseSet(tuple(poses), self.fps)


def _read_file(path: Path, default_size: Size | None, person: int | None) -> PoseSet:
    if path.suffix.lower() in _MOTION_ENDINGS:
        raise ValueError(
            f"`input` must be poses in JSON. Received: {path.name}, a motion in 3D. Turn it into a "
            "pose file of a model's avatar with `psgan_tf.animate --save_poses=FILE.json`."
        )
    document = read_json(path)
    try:
        poses = parse_poses(pose_name(path), document, default_size, person)
        return PoseSet(tuple(poses), read_fps(document, path.name))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _read_dataset(path: Path, motion: str | None) -> PoseSet:
    """One motion of a dataset folder in the order of time, or all poses of the folder."""
    folder = read_folder(path)
    if motion is None:
        rows = folder.rows
        named = [(Path(row.image).stem, row.keypoints) for row in rows]
        own, size = folder.skeleton, folder.image_size
        return PoseSet(tuple(FilePose(name, own, points, size) for name, points in named))
    side = max(folder.image_size)
    timed = read_timed_poses(path, motion, folder.skeleton, side)
    steps = np.diff(timed.times_secs)
    fps = round(1 / float(np.median(steps)), 3) if len(steps) else None
    return PoseSet(
        tuple(
            FilePose(f"{motion}_{number:04d}", folder.skeleton, keypoints, (side, side))
            for number, keypoints in enumerate(timed.keypoints)
        ),
        fps,
    )


def read_pose_set(
    source: str, default_size: Size | None = None, person: int | None = None
) -> PoseSet:
    """The poses of a file, folder or dataset motion, as they stand.

    Args:
        source: a pose file of any form, a folder of them (one or more poses each), a dataset
            folder, or `FOLDER#motion` of one, which is padded to a square if it is none.
        default_size: (width, height) in pixels of pictures whose files do not say it.
        person: whom to take where a frame shows several, from 1; None for the most complete.

    Raises:
        ValueError: there is no pose, or it cannot be read.
    """
    path, motion = split_source(source)
    if is_dataset_folder(path):
        found = _read_dataset(path, motion)
    elif motion is not None:
        raise ValueError(
            f"`input` must be a dataset folder where a motion is named after a #. "
            f"Received: {source!r}. Leave out #{motion}."
        )
    elif path.is_dir():
        sets = [_read_file(file, default_size, person) for file in pose_files_in(path)]
        rates = {found.fps for found in sets}
        poses = tuple(pose for found in sets for pose in found.poses)
        found = PoseSet(poses, rates.pop() if len(rates) == 1 else None)
    else:
        found = _read_file(path, default_size, person)
    if not found.poses:
        raise ValueError(
            f"`input` must hold a pose. Received: {source!r}, which holds none. "
            "Name a pose file (JSON), a folder of them, or a dataset folder."
        )
    return found


def schema_for(format_name: str, own: Skeleton, wanted: str | None = None) -> Skeleton:
    """The schema to write poses in.

    Args:
        format_name: one of FORMATS.
        own: the poses' own schema, which stays where the format has it.
        wanted: name of a built-in schema; None for the poses' own where the format has it, else
            the first of the format.

    Raises:
        ValueError: there is no such schema, or the format cannot hold it.
    """
    allowed = _SCHEMAS_OF_FORMAT.get(format_name)
    if wanted is None:
        # Most of the editors know 18 points only: 25 are for those who ask for them.
        keeps = allowed is None or (own.name in allowed and format_name != "controlnet")
        wanted = own.name if keeps or allowed is None else allowed[0]
    skeleton = own if wanted == own.name else SKELETONS.get(wanted)
    if skeleton is None or (allowed is not None and wanted not in allowed):
        raise ValueError(
            f"`schema` of format {format_name} must be one of "
            f"{', '.join(allowed or SKELETONS)}. Received: {wanted!r}. Take one of these."
        )
    return skeleton


def _size_of(pose: FilePose) -> Size:
    if pose.size is None:
        raise ValueError(
            f"`pose_size` must be given: the file of pose {pose.name} does not note the size of "
            "its picture. Received: nothing. Set --pose_size=WxH."
        )
    return pose.size


def document_of(poses: PoseSet, format_name: str) -> Any:
    """Poses of one schema, which the format can hold, as the JSON values of one file.

    Raises:
        ValueError: one file of the format cannot hold them.
    """
    first = poses.poses[0]
    if format_name == "psgan":
        sizes = sorted({_size_of(pose) for pose in poses.poses})
        if len(sizes) > 1:
            raise ValueError(
                "`input` must be of pictures of one size to become one file. Received: "
                f"{sizes[0]} and {sizes[-1]} px. Set --output to a folder."
            )
        frames, names = zip(*((p.keypoints, p.name) for p in poses.poses), strict=True)
        return own_document(first.skeleton, sizes[0], frames, poses.fps, names)
    if format_name == "coco":
        return coco_document([CocoPose(p.name, p.keypoints, _size_of(p)) for p in poses.poses])
    if format_name == "openpose" and len(poses.poses) > 1:
        raise ValueError(
            f"`output` must be a folder: an OpenPose file holds one frame. Received: a file for "
            f"{len(poses.poses)} poses. Set --output to a name without .json."
        )
    for_editors = format_name == "controlnet"
    documents = [openpose_document(p.keypoints, p.size, for_editors) for p in poses.poses]
    return documents[0] if len(documents) == 1 else documents


def _file_stems(poses: Sequence[FilePose]) -> list[str]:
    """A file name without ending for each pose; names that occur twice are numbered."""
    bare = [re.sub(r"[^\w.+-]", "_", pose.name).lstrip(".") or "pose" for pose in poses]
    count = Counter(name.casefold() for name in bare)
    return [
        name if count[name.casefold()] == 1 else f"{name}_{number:04d}"
        for number, name in enumerate(bare)
    ]


def write_pose_set(output: Path, poses: PoseSet, format_name: str) -> list[Path]:
    """Writes poses of one schema: into `name.json`, or else a folder with a file for each pose.

    Raises:
        ValueError: the format cannot hold them, or the folder holds other JSON files, which
            would be read as poses of the same motion.
    """
    if output.suffix.lower() == ".json":
        files = {output: document_of(poses, format_name)}
    else:
        ending = FILE_ENDING if format_name == "openpose" else ".json"
        files = {
            output / f"{stem}{ending}": document_of(PoseSet((pose,), poses.fps), format_name)
            for stem, pose in zip(_file_stems(poses.poses), poses.poses, strict=True)
        }
        strange = sorted(set(output.glob("*.json")) - set(files))
        if strange:
            raise ValueError(
                f"`output` must be a new folder, or one of the same poses. Received: {output}, "
                f"which holds {strange[0].name} as well. Name another folder."
            )
        output.mkdir(parents=True, exist_ok=True)
    for path, document in files.items():
        write_atomically(path, json_text(document))
    return list(files)
