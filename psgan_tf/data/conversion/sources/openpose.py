"""Pictures with OpenPose's keypoint files as a source."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from psgan_tf.data.conversion.sources.base import (
    Source,
    SourceExample,
    SourceKeypoints,
    common_side,
    files_below,
)
from psgan_tf.images.pictures import find_pictures
from psgan_tf.keypoints.dataset_folder import CARD_FILE, RejectedItem, read_card
from psgan_tf.keypoints.openpose import FILE_ENDING, OPENPOSE18, read_openpose


def _bare(path: str) -> str:
    """A keypoint file's path without its ending: that of its picture."""
    return path.removesuffix(".json").removesuffix("_keypoints")


def match_files(pictures: list[str], files: list[str]) -> dict[str, str]:
    """For each picture its keypoint file, by relative path, else by a bare name that is unique.

    Example: `a/01.jpg` matches `a/01_keypoints.json` or, if there is one 01 only, any other.

    Args:
        pictures: relative paths of the pictures.
        files: relative paths of the JSON files.
    """
    by_path: dict[str, str] = {}
    by_stem: dict[str, list[str]] = defaultdict(list)
    # Where both are there, x_keypoints.json comes before an editor's x.json.
    for file in sorted(files, key=lambda file: not file.endswith(FILE_ENDING)):
        by_path.setdefault(_bare(file), file)
        by_stem[Path(_bare(file)).name].append(file)
    stems = Counter(Path(picture).stem for picture in pictures)
    matches = {}
    for picture in pictures:
        stem, namesakes = Path(picture).stem, by_stem[Path(picture).stem]
        path = Path(picture).with_suffix("").as_posix()
        if path in by_path:
            matches[picture] = by_path[path]
        elif stems[stem] == 1 and len(namesakes) == 1:
            matches[picture] = namesakes[0]
    return matches


def from_openpose(directory: Path, keypoints: Path, square: str, min_confidence: float) -> Source:
    """Reads a folder of pictures with OpenPose files.

    Args:
        directory: the pictures.
        keypoints: the files: beside the pictures, under the same relative paths, or in one
            flat folder where bare names are unique.
        square: `pad` or `crop`: how pictures become square.
        min_confidence: points of this confidence or less count as not found.

    Raises:
        ValueError: no picture with keypoints can be opened.
    """
    pictures, files = find_pictures(directory), files_below(keypoints, ".json")
    matches = match_files(pictures, files)
    examples, left_out = [], []
    schemas: Counter[str] = Counter()
    for picture in pictures:
        if picture not in matches:
            wanted = Path(picture).stem + FILE_ENDING
            left_out.append(RejectedItem(picture, f"no keypoints: there is no file {wanted}"))
            continue
        try:
            pose = read_openpose(keypoints / matches[picture], min_confidence)
        except ValueError as error:
            reason = f"broken annotation: {matches[picture]}: {error}"
            left_out.append(RejectedItem(picture, reason))
            continue
        schemas[pose.schema or "without a person"] += 1
        measured = SourceKeypoints(pose.in_schema(OPENPOSE18), pose.measured_in)
        examples.append(SourceExample(str(directory / picture), picture, measured))
    used = set(matches.values())
    left_out += [
        RejectedItem(file, "missing picture: no picture has the name of this keypoint file")
        for file in files
        if file.endswith(FILE_ENDING) and file not in used
    ]
    counted = ", ".join(f"{count:,} {schema}" for schema, count in schemas.most_common())
    return Source(
        name=directory.resolve().name,
        form="openpose",
        skeleton=OPENPOSE18,
        frame_px=common_side(examples, square, left_out),
        examples=tuple(examples),
        left_out=tuple(left_out),
        min_keypoints=1,
        card=read_card(directory / CARD_FILE),
        notes=(f"keypoint files: {counted}",),
    )
