"""The project's own dataset folder as a source."""

from __future__ import annotations

from pathlib import Path

from psgan_tf.data.conversion.sources.base import Source, SourceExample, SourceKeypoints
from psgan_tf.images.pictures import find_pictures, square_offset
from psgan_tf.keypoints.dataset_folder import read_folder


def from_folder(directory: Path, square: str, hide_occluded: bool) -> Source:
    """Reads a dataset folder.

    Args:
        directory: the folder.
        square: `pad` or `crop`: how a frame that is no square becomes one.
        hide_occluded: points with visibility 1 count as missing, where 2 marks those in sight.

    Raises:
        ValueError: as `dataset_folder.read_folder`, or nothing tells hidden points apart.
    """
    folder = read_folder(directory)
    if hide_occluded and not any((row.keypoints[:, 2] == 2).any() for row in folder.rows):
        raise ValueError(
            "`hide_occluded` needs keypoints whose visibility 2 marks those in plain sight. "
            f"Received: {directory}, where every known point has 1. Leave the flag out."
        )
    examples = []
    for row in folder.rows:
        keypoints = row.keypoints.copy()
        keypoints[:, 2] = keypoints[:, 2] > (1 if hide_occluded else 0)
        examples.append(
            SourceExample(
                path=str(folder.directory / row.image),
                name=row.image,
                measured=SourceKeypoints(keypoints, folder.image_size),
                costume=row.text("costume"),
                motion=row.text("motion"),
                split=row.text("split") or "train",
            )
        )
    unlisted = set(find_pictures(directory)) - {row.image for row in folder.rows}
    unlisted -= {problem.name.split(" (")[0] for problem in folder.problems}
    return Source(
        name=folder.card.get("name") or directory.resolve().name,
        form="folder",
        skeleton=folder.skeleton,
        frame_px=square_offset(*folder.image_size, square)[0],
        examples=tuple(examples),
        left_out=folder.problems,
        min_keypoints=0,
        card=folder.card,
        notes=(f"{len(unlisted):,} pictures are not in the manifest",) if unlisted else (),
    )
