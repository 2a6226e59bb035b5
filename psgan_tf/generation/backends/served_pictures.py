"""Pictures with their grid, and animations that can be resumed, by a served generator."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from psgan_tf.common.files import write_atomically
from psgan_tf.common.progress import Pace
from psgan_tf.generation.backends.served import Job, Load, Made, RemoteGenerator, make_pictures
from psgan_tf.generation.characters import DrawnCharacter
from psgan_tf.generation.pose_sequences import PoseSequence
from psgan_tf.images.contact_sheets import SheetStyle, default_cell_px, default_kind, sheet_name
from psgan_tf.images.pictures import Pixels, encode_png, load_rgb
from psgan_tf.keypoints.drawing import skeleton_picture
from psgan_tf.keypoints.named_poses import NamedPose
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


class _Sheets:
    """Takes pictures as they come, pose by pose of each character, and writes sheets once full.

    Attributes:
        paths: those written.

    Args:
        generator, subjects, poses, output: as of `write_pictures`.
    """

    def __init__(
        self,
        generator: RemoteGenerator,
        subjects: Sequence[DrawnCharacter],
        poses: Sequence[NamedPose],
        output: Path,
    ) -> None:
        self._generator, self._subjects, self._poses = generator, subjects, poses
        self._output, self._kind = output, default_kind(len(poses))
        self._pictures: list[Pixels] = []
        self.paths: list[Path] = []

    def add(self, picture: Pixels) -> None:
        """Takes the next picture."""
        self._pictures.append(picture)
        columns = len(self._poses)
        style = SheetStyle(self._kind, default_cell_px(self._kind, len(picture), columns))
        style.check(columns)
        pages = style.pages(len(self._subjects), columns)
        page = pages[len(self.paths)]
        if len(self._pictures) < len(page) * columns:
            return
        rows = [self._pictures[i : i + columns] for i in range(0, len(self._pictures), columns)]
        skeleton, frame_px = self._generator.skeleton, self._generator.frame_px
        header = [
            skeleton_picture(pose.keypoints, skeleton, frame_px, style.cell_px)
            for pose in (self._poses if skeleton else ())
        ]
        names = [self._subjects[row].name for row in page]
        path = self._output / sheet_name(self._kind, len(self.paths), len(pages))
        write_atomically(path, encode_png(style.page(names, rows, header)))
        self.paths.append(path)
        self._pictures.clear()


def write_pictures(
    generator: RemoteGenerator,
    subjects: Sequence[DrawnCharacter],
    poses: Sequence[NamedPose],
    output: Path,
    load: Load,
    report: Callable[[str], None],
) -> list[Path]:
    """A PNG of each subject in each pose and sheets of them, named as by `psgan_tf.generate`.

    Args:
        generator: who draws.
        subjects: the grid's rows.
        poses: its columns.
        output: a folder, made where it is missing.
        load: how much is asked of the server at a time.
        report: takes lines of progress.

    Returns:
        The sheets.

    Raises:
        RemoteError: the server failed; the files written until then stay.
    """
    output.mkdir(parents=True, exist_ok=True)
    jobs = [
        Job(output / f"{subject.file_name}_pose{number:04d}.png", subject, pose)
        for subject in subjects
        for number, pose in enumerate(poses)
    ]
    witness, sheets = Witness(len(jobs), report), _Sheets(generator, subjects, poses, output)
    for made in make_pictures(generator, jobs, load):
        sheets.add(np.asarray(Image.open(io.BytesIO(made.png))))
        witness.see(made)
    return sheets.paths


def _digest(values: np.ndarray) -> str:
    """The SHA-256 of an array's values in float32."""
    return hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()


def _served_by(path: Path) -> str:
    """The model that made a picture, as its text says; empty where it does not."""
    with Image.open(path) as image:
        return str(image.info.get("served_by", ""))


def write_frames(
    generator: RemoteGenerator,
    subject: DrawnCharacter,
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
    subject: DrawnCharacter,
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
