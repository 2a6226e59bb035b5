"""Pictures with their grid, and animations that can be resumed, by a served generator."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from psgan_tf.characters import Subject
from psgan_tf.files import write_atomically
from psgan_tf.pictures import Pixels, draw_skeleton, encode_png, load_rgb
from psgan_tf.pose_sequences import PoseSequence
from psgan_tf.poses import NamedPose
from psgan_tf.progress import Pace
from psgan_tf.remote_generator import Job, Load, Made, RemoteGenerator, make_pictures
from psgan_tf.stage import Stage
from psgan_tf.video import write_animation
from psgan_tf.video.png_sequence import PngSequence, frame_name
from psgan_tf.video.writing import check_output, ending_of


class Witness:
    """Tells on the way how far the work is, and when another model version takes over.

    Args:
        total: how many pictures there are to make in all.
        report: takes a line of text.
        done: how many there were before.
        served_by: the model that made the last of these; empty where that is not known.
    """

    def __init__(
        self, total: int, report: Callable[[str], None], done: int = 0, served_by: str = ""
    ):
        self._pace = Pace(total, done)
        self._done = done
        self._report = report
        self._served_by = served_by

    def see(self, made: Made) -> None:
        """Counts a picture."""
        if self._served_by not in ("", made.served_by):
            self._report(
                f"{made.job.path.name} and on by {made.served_by}, before it by {self._served_by}: "
                "the character may look different"
            )
        self._served_by = made.served_by
        self._done += 1
        line = self._pace.line(self._done)
        if line:
            self._report(line)


def _pose_cell(pose: NamedPose, stage: Stage | None, size_px: int) -> Pixels:
    canvas = np.full([size_px, size_px, 3], 255, np.uint8)
    if stage is None:
        return canvas
    return draw_skeleton(canvas, pose.keypoints, stage.skeleton, stage.frame_px)


def write_pictures(
    generator: RemoteGenerator,
    subjects: Sequence[Subject],
    poses: Sequence[NamedPose],
    output: Path,
    load: Load,
    report: Callable[[str], None],
) -> Path:
    """A PNG of each subject in each pose, named as `psgan_tf.generate` does, and their grid.

    Args:
        generator: who draws.
        subjects: the grid's columns.
        poses: its rows.
        output: a folder, made where it is missing.
        load: how much is asked of the server at a time.
        report: takes lines of progress.

    Returns:
        The grid's path.

    Raises:
        RemoteError: the server failed; the files written until then stay.
    """
    output.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(output / f"{subject.file_name}_pose{number:04d}.png", subject, pose)
        for number, pose in enumerate(poses)
        for subject in subjects
    ]
    witness = Witness(len(jobs), report)
    cells: list[Pixels] = []
    for made in make_pictures(generator, jobs, load):
        image = np.asarray(Image.open(io.BytesIO(made.png)))
        if made.job.subject is subjects[0]:
            cells.append(_pose_cell(made.job.pose, generator.stage, image.shape[0]))
        cells.append(image)
        witness.see(made)
    columns = 1 + len(subjects)
    rows = [np.concatenate(cells[i : i + columns], 1) for i in range(0, len(cells), columns)]
    grid = output / "grid.png"
    write_atomically(grid, encode_png(np.concatenate(rows)))
    return grid


def _digest(values: np.ndarray) -> str:
    """The SHA-256 of an array's values in float32."""
    return hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()


def _served_by(path: Path) -> str:
    """The model that made a picture, as its text says; empty where it does not."""
    with Image.open(path) as image:
        return str(image.info.get("served_by", ""))


def write_frames(
    generator: RemoteGenerator,
    subject: Subject,
    sequence: PoseSequence,
    folder: Path,
    load: Load,
    report: Callable[[str], None],
) -> list[Path]:
    """A PNG of the subject in each pose of a sequence; frames that are there already stay.

    Args:
        generator: who draws.
        subject: the one character.
        sequence: how it moves.
        folder: for the frames; empty, or with some of the same character and sequence.
        load: how much is asked of the server at a time.
        report: takes lines of progress.

    Returns:
        The frames' paths in order.

    Raises:
        ValueError: the folder holds other things.
        RemoteError: the server failed; the frames written until then stay.
    """
    settings = {
        "model": generator.model.model,
        **subject.text,
        "latent": "" if subject.latent is None else _digest(subject.latent),
        "frames": sequence.num_frames,
        "poses": _digest(sequence.keypoints),
    }
    PngSequence(folder, settings)
    jobs = [
        Job(folder / frame_name(number), subject, NamedPose(f"{sequence.name} {number}", keypoints))
        for number, keypoints in enumerate(sequence.keypoints, start=1)
    ]
    kept = [job for job in jobs if job.path.exists()]
    missing = [job for job in jobs if not job.path.exists()]
    if kept:
        report(f"{len(kept)} of {len(jobs)} frames are there already")
    served_by = _served_by(kept[-1].path) if kept else ""
    witness = Witness(len(jobs), report, len(kept), served_by)
    for made in make_pictures(generator, missing, load):
        witness.see(made)
    return [job.path for job in jobs]


def write_remote_animation(
    generator: RemoteGenerator,
    subject: Subject,
    sequence: PoseSequence,
    output: Path,
    load: Load,
    report: Callable[[str], None],
) -> Path:
    """A character in a motion: a folder of PNGs, or an animation in the ending's format.

    The frames of an animation wait in a folder `OUTPUT.frames` beside it, where a second call
    finds them after a failure; it goes when the animation is there.

    Args:
        generator, subject, sequence, load, report: as of `write_frames`.
        output: see `psgan_tf.video.write_animation`.

    Raises:
        ValueError: the format cannot be written, or the folder holds other things.
        RemoteError: the server failed; the frames written until then stay.
    """
    check_output(output, sequence.fps)
    if ending_of(output) == "":
        write_frames(generator, subject, sequence, output, load, report)
        return output
    folder = output.with_name(f"{output.name}.frames")
    folder.parent.mkdir(parents=True, exist_ok=True)
    paths = write_frames(generator, subject, sequence, folder, load, report)
    write_animation(output, (load_rgb(path) for path in paths), sequence.fps)
    shutil.rmtree(folder)
    return output
