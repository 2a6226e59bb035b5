"""A gallery: characters in poses, as single pictures and on sheets, page by page.

Every PNG says in its text what it shows, so that it can be made again from itself. By the same
text a stopped gallery knows what it has, and goes on. No TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from psgan_tf.common.files import write_atomically
from psgan_tf.common.progress import Pace
from psgan_tf.generation.backends.protocol import batches_of
from psgan_tf.generation.characters import CHARACTERS_FIELD, DrawnCharacter, characters_text
from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.images.contact_sheets import SheetStyle, sheet_name
from psgan_tf.images.pictures import PictureError, Pixels, encode_png, load_rgb, resized
from psgan_tf.images.png_text import read_png_text
from psgan_tf.keypoints.drawing import skeleton_picture
from psgan_tf.keypoints.named_poses import POSES_FIELD, NamedPose, poses_text
from psgan_tf.keypoints.schema import Keypoints, Skeleton

SHEET_FIELD = "psgan_sheet"

# [N, Z] latents in [N, M, 3] poses to [N, R, R, 3] uint8.
Draw = Callable[[Latents, Keypoints], Pixels]


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds as `parse_seeds` reads them: 0, 1, 2, 7 as `0-2,7`."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


@dataclass(frozen=True, eq=False)
class Gallery:
    """All that decides what is in the files.

    Attributes:
        subjects: N characters.
        latents: [N, Z].
        poses: P poses.
        skeleton: their schema; None for a network without poses.
        frame_px: what they are measured in.
        origin: text fields on the network.
        style: of the sheets.
        with_pictures: each picture gets a file of its own as well.
    """

    subjects: Sequence[DrawnCharacter]
    latents: Latents
    poses: Sequence[NamedPose]
    skeleton: Skeleton | None
    frame_px: int
    origin: dict[str, str]
    style: SheetStyle
    with_pictures: bool = True

    def pages(self) -> list[range]:
        """Which characters are on which sheet."""
        return self.style.pages(len(self.subjects), len(self.poses))

    def sheet_path(self, output: Path, page: int) -> Path:
        """The file of a page."""
        return output / sheet_name(self.style.kind, page, len(self.pages()))

    def picture_path(self, output: Path, row: int, column: int) -> Path:
        """The file of one character in one pose."""
        return output / f"{self.subjects[row].file_name}_pose{column:04d}.png"

    def picture_text(self, row: int, column: int) -> dict[str, str]:
        """What that picture says of itself: to people, and for making it again."""
        names = {**self.subjects[row].text, "pose": self.poses[column].name, **self.origin}
        return {**names, **self._shown(range(row, row + 1), self.poses[column : column + 1])}

    def sheet_text(self, page: range) -> dict[str, str]:
        """What the sheet of those characters says of itself."""
        seeds = [self.subjects[row].seed for row in page]
        known = seeds_text([seed for seed in seeds if seed is not None])
        style = json.dumps(dataclasses.asdict(self.style))
        names = {"seeds": known} if known else {}
        return {**names, **self.origin, **self._shown(page, self.poses), SHEET_FIELD: style}

    def _shown(self, rows: range, poses: Sequence[NamedPose]) -> dict[str, str]:
        part = slice(rows.start, rows.stop)
        names = [subject.name for subject in self.subjects[part]]
        text = {CHARACTERS_FIELD: characters_text(names, self.latents[part])}
        if self.skeleton is not None:
            text[POSES_FIELD] = poses_text(poses, self.skeleton, self.frame_px)
        return text

    def header(self) -> list[Pixels]:
        """The poses as pictures, for the row above a grid."""
        if self.skeleton is None:
            return []
        size_px = self.style.cell_px
        return [
            skeleton_picture(p.keypoints, self.skeleton, self.frame_px, size_px) for p in self.poses
        ]


def stored_picture(path: Path, text: dict[str, str]) -> Pixels | None:
    """The picture of a file that says exactly this of itself; None where there is none."""
    if read_png_text(path) != text:
        return None
    try:
        return load_rgb(path)
    except PictureError:
        return None


class _Maker:
    """Makes a gallery's pages.

    Args:
        gallery: what to make.
        draw: draws a batch.
        resolution: of what `draw` gives, in pixels.
        output: where the files are.
    """

    def __init__(self, gallery: Gallery, draw: Draw, resolution: int, output: Path) -> None:
        self._gallery, self._draw, self._resolution = gallery, draw, resolution
        self._output = output

    def is_made(self, number: int, page: range) -> bool:
        """Whether an earlier call made that page and all its pictures."""
        gallery, output = self._gallery, self._output
        if read_png_text(gallery.sheet_path(output, number)) != gallery.sheet_text(page):
            return False
        return not gallery.with_pictures or all(
            read_png_text(gallery.picture_path(output, row, column))
            == gallery.picture_text(row, column)
            for row in page
            for column in range(len(gallery.poses))
        )

    def make(self, number: int, page: range) -> Iterator[int]:
        """Makes a page; tells after each batch how many pictures that were."""
        gallery = self._gallery
        cells: list[list[Pixels]] = [[] for _ in page]
        for column in range(len(gallery.poses)):
            for batch in batches_of(len(page), self._resolution):
                rows = range(page[batch.start], page[batch.stop - 1] + 1)
                for place, image in zip(batch, self._pictures(rows, column), strict=True):
                    cells[place].append(resized(image, gallery.style.cell_px))
                yield len(batch)
        names = [gallery.subjects[row].name for row in page]
        sheet = gallery.style.page(names, cells, gallery.header())
        path = gallery.sheet_path(self._output, number)
        write_atomically(path, encode_png(sheet, gallery.sheet_text(page)))

    def _pictures(self, rows: range, column: int) -> Sequence[Pixels]:
        """Pictures of a batch in one pose: those of an earlier call where all are there."""
        gallery = self._gallery
        if not gallery.with_pictures:
            return self._drawn(rows, column)
        paths = [gallery.picture_path(self._output, row, column) for row in rows]
        texts = [gallery.picture_text(row, column) for row in rows]
        stored = [stored_picture(path, text) for path, text in zip(paths, texts, strict=True)]
        found = [image for image in stored if image is not None]
        if len(found) == len(rows):
            return found
        images = self._drawn(rows, column)
        for path, text, image in zip(paths, texts, images, strict=True):
            write_atomically(path, encode_png(image, text))
        return images

    def _drawn(self, rows: range, column: int) -> Sequence[Pixels]:
        keypoints = self._gallery.poses[column].keypoints[None].repeat(len(rows), axis=0)
        return list(self._draw(self._gallery.latents[rows.start : rows.stop], keypoints))


def make_gallery(
    gallery: Gallery, draw: Draw, resolution: int, output: Path, say: Callable[[str], None]
) -> list[Path]:
    """Draws what is missing, and writes it as soon as it is there.

    Args:
        gallery: what to make.
        draw: draws a batch.
        resolution: of what `draw` gives, in pixels.
        output: a folder, made where it is missing.
        say: takes lines of progress.

    Returns:
        The sheets.
    """
    output.mkdir(parents=True, exist_ok=True)
    maker, pages = _Maker(gallery, draw, resolution, output), gallery.pages()
    missing = [number for number, page in enumerate(pages) if not maker.is_made(number, page)]
    total = len(gallery.subjects) * len(gallery.poses)
    done = total - sum(len(pages[number]) for number in missing) * len(gallery.poses)
    if done:
        say(f"{done} of {total} pictures are there already")
    pace = Pace(total, done)
    for number in missing:
        for count in maker.make(number, pages[number]):
            done += count
            if line := pace.line(done):
                say(f"picture {line}")
    return [gallery.sheet_path(output, number) for number in range(len(pages))]
