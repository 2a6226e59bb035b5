"""Sheets of pictures: grids of characters in poses, and contact sheets with a line below each.

In every grid the character stays along a row and the pose stays along a column, as in the figure
of PSGAN's supplement: rows are characters, or the steps from one to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from psgan_tf.images.pictures import WHITE, Pixels, resized

SHEETS = ("grid", "contact")

_TEXT_PX = 10
# Height of a line in heights of its letters.
_LINE = 1.4
# Letters of sheets in parts of a picture, and their least and largest height.
_TEXT_PART, _LEAST_TEXT_PX, _LARGEST_TEXT_PX = 0.1, 12, 48
_MARGIN = 0.4
# Labels beside rows are broken into lines of so many letters' heights where they have spaces, and
# cut off at the second.
_LABEL_WIDTH, _LARGEST_LABEL_WIDTH = 10, 16

# Captions below pictures have at most so many.
_CAPTION_LINES = 3

# Pictures are shown at no less than this, and in contact sheets at no more than the second.
_LEAST_CELL_PX, _LARGEST_TILE_PX = 128, 256
# Where many poses are side by side, at no less than this.
_SMALLEST_CELL_PX = 4
# A page of contact sheets, and the height of a page of a grid.
_CONTACT_SIDE_PX = 2048
_GRID_HEIGHT_PX = 10_240
# The width of any page, and its pixels without labels: Pillow warns of pictures above 89 million.
_PAGE_WIDTH_PX = 32_768
_PAGE_PX = 80_000_000


@dataclass(frozen=True)
class Lettering:
    """How text is written on sheets.

    Attributes:
        size_px: height of the letters in pixels.
        font: a TrueType or OpenType file; empty for Pillow's own, which has ASCII only and shows
            other letters as question marks.
    """

    size_px: int = _TEXT_PX
    font: str = ""

    @property
    def line_px(self) -> int:
        """Height of a line in pixels."""
        return round(_LINE * self.size_px)

    @property
    def margin_px(self) -> int:
        """What is left free on the left of a line, and on its right."""
        return max(2, round(_MARGIN * self.size_px))

    def load(self) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """The font.

        Raises:
            ValueError: the file is no font.
        """
        if not self.font:
            return ImageFont.load_default(self.size_px)
        try:
            return ImageFont.truetype(self.font, self.size_px)
        except OSError as error:
            raise ValueError(
                "`font` must be a TrueType or OpenType file. "
                f"Received: {self.font!r} ({error}). Leave it out for plain letters."
            ) from None

    def drawable(self, text: str) -> str:
        """The text with a question mark for each letter that is not in the font."""
        return text if self.font else text.encode("ascii", "replace").decode()


PLAIN = Lettering()


def text_width(text: str, lettering: Lettering) -> int:
    """Width in pixels of a line of text."""
    return round(lettering.load().getlength(lettering.drawable(text)))


def text_lines(text: str, width_px: int, lettering: Lettering) -> list[str]:
    """A text in lines, broken further between words where a line is wider than that."""
    lines: list[str] = []
    for whole in text.splitlines():
        words = whole.split()
        lines += words[:1]
        for word in words[1:]:
            longer = f"{lines[-1]} {word}"
            if text_width(longer, lettering) <= width_px:
                lines[-1] = longer
            else:
                lines.append(word)
    return lines


def text_picture(
    lines: Sequence[str], size: tuple[int, int], lettering: Lettering, middle: bool = False
) -> Pixels:
    """Lines of text on white; what does not fit is cut off.

    Args:
        lines: from top to bottom.
        size: (width, height) in pixels.
        lettering: how they are written.
        middle: half way between top and bottom, instead of at the top.

    Returns:
        [height, width, 3] uint8.
    """
    picture = Image.new("RGB", size, (WHITE, WHITE, WHITE))
    draw, font = ImageDraw.Draw(picture), lettering.load()
    line_px, left = lettering.line_px, lettering.margin_px
    top = max(0, (size[1] - len(lines) * line_px) // 2) if middle else 0
    for number, line in enumerate(lines):
        draw.text((left, top + number * line_px + 1), lettering.drawable(line), "black", font)
    return np.asarray(picture)


def contact_sheet(
    tiles: Sequence[Pixels],
    captions: Sequence[str],
    columns: int,
    lettering: Lettering = PLAIN,
) -> Pixels:
    """Pictures of one size side by side in rows, each with text below it.

    Args:
        tiles: T pictures, each [H, W, 3] uint8.
        captions: a line or more for each; what does not fit is cut off. Empty for no text at all.
        columns: pictures in a row.
        lettering: how captions are written.

    Returns:
        [rows * (H + text), columns * W, 3] uint8; there is room for the longest caption's lines.
    """
    height, width = tiles[0].shape[:2]
    lines = [caption.splitlines() for caption in captions]
    text_px = max(map(len, lines), default=0) * lettering.line_px
    rows = -(-len(tiles) // columns)
    step = height + text_px
    sheet = np.full([rows * step, columns * width, 3], WHITE, np.uint8)
    for number, tile in enumerate(tiles):
        x, y = number % columns * width, number // columns * step
        sheet[y : y + height, x : x + width] = tile
        if text_px:
            caption = text_picture(lines[number], (width, text_px), lettering)
            sheet[y + height : y + step, x : x + width] = caption
    return sheet


def grid(
    rows: Sequence[Sequence[Pixels]],
    header: Sequence[Pixels] = (),
    labels: Sequence[str] = (),
    lettering: Lettering = PLAIN,
) -> Pixels:
    """Pictures in rows and columns, with a row above them and text beside them.

    Args:
        rows: R rows of C pictures, all [N, N, 3] uint8.
        header: C pictures of that size for the row above; empty for none.
        labels: R texts for the column on the left; empty for none.
        lettering: how labels are written.

    Returns:
        [(R + 1) N, label + C N, 3] uint8, without header R N high.
    """
    lines = [header, *rows] if len(header) else rows
    pictures: Pixels = np.concatenate([np.concatenate(list(line), axis=1) for line in lines])
    if not labels:
        return pictures
    height = rows[0][0].shape[0]
    wrapped = [text_lines(text, _LABEL_WIDTH * lettering.size_px, lettering) for text in labels]
    widest = max((text_width(line, lettering) for text in wrapped for line in text), default=0)
    width = min(widest, _LARGEST_LABEL_WIDTH * lettering.size_px)
    width += 2 * lettering.margin_px
    cells = [text_picture(text, (width, height), lettering, middle=True) for text in wrapped]
    corner = [np.full([height, width, 3], WHITE, np.uint8)] if len(header) else []
    sheet: Pixels = np.concatenate([np.concatenate([*corner, *cells]), pictures], axis=1)
    return sheet


@dataclass(frozen=True)
class SheetStyle:
    """How characters in poses are put on sheets.

    Attributes:
        kind: `grid`, one character a row; or `contact`, as many as fit, its name below each.
        cell_px: width and height of each picture on the sheet.
        skeletons: grids have a row of the poses above.
        labels: characters are named.
        font: as of `Lettering`.
    """

    kind: str
    cell_px: int
    skeletons: bool = True
    labels: bool = True
    font: str = ""

    @property
    def lettering(self) -> Lettering:
        """Letters that go with the pictures' size."""
        size_px = round(_TEXT_PART * self.cell_px)
        return Lettering(min(max(size_px, _LEAST_TEXT_PX), _LARGEST_TEXT_PX), self.font)

    def check(self, num_poses: int) -> None:
        """Refuses more poses side by side than a page can show.

        Raises:
            ValueError: as it says; the message names how many can be.
        """
        most = min(_PAGE_WIDTH_PX // self.cell_px, _PAGE_PX // (2 * self.cell_px**2))
        if num_poses > most:
            raise ValueError(
                f"`max_poses` must be at most {most} where each is shown at {self.cell_px} px. "
                f"Received: {num_poses} poses. Draw fewer, or show them smaller with --cell_px."
            )

    def pages(self, num_characters: int, num_poses: int) -> list[range]:
        """Which characters are on which page: as many on each as fit."""
        if self.kind == "grid":
            rows = min(_GRID_HEIGHT_PX, _PAGE_PX // (self.cell_px * num_poses)) // self.cell_px
            per_page = max(1, rows - int(self.skeletons))
        else:
            columns, line_px = self._columns(num_poses), self.lettering.line_px
            largest_px = (
                columns * num_poses * self.cell_px * (self.cell_px + _CAPTION_LINES * line_px)
            )
            rows = min(_CONTACT_SIDE_PX // (self.cell_px + line_px), _PAGE_PX // largest_px)
            per_page = columns * max(1, rows)
        starts = range(0, num_characters, per_page)
        return [range(first, min(first + per_page, num_characters)) for first in starts]

    def _columns(self, num_poses: int) -> int:
        return max(1, _CONTACT_SIDE_PX // (self.cell_px * num_poses))

    def page(
        self, names: Sequence[str], pictures: Sequence[Sequence[Pixels]], header: Sequence[Pixels]
    ) -> Pixels:
        """A page: [H, W, 3] uint8.

        Args:
            names: of its N characters.
            pictures: N rows of a picture for each of P poses, square and uint8, of any size.
            header: the P poses as pictures; contact sheets do not show them.
        """
        # A line for each part of a mixture.
        labels = [name.replace(" + ", "\n+ ") for name in names] if self.labels else []
        rows = [[resized(picture, self.cell_px) for picture in row] for row in pictures]
        if self.kind == "grid":
            above = [resized(cell, self.cell_px) for cell in header] if self.skeletons else []
            return grid(rows, above, labels, self.lettering)
        tiles = [np.concatenate(row, axis=1) for row in rows]
        lines = -(-len(tiles) // self._columns(len(rows[0])))
        captions = [self._caption(label, tiles[0].shape[1]) for label in labels]
        return contact_sheet(tiles, captions, -(-len(tiles) // lines), self.lettering)

    def _caption(self, label: str, width_px: int) -> str:
        lines = text_lines(label, width_px - 2 * self.lettering.margin_px, self.lettering)
        return "\n".join(lines[:_CAPTION_LINES])


def default_kind(num_poses: int) -> str:
    """A contact sheet for one pose, a grid for several."""
    return "contact" if num_poses == 1 else "grid"


def default_cell_px(kind: str, resolution: int, num_poses: int) -> int:
    """How large pictures are shown: as they are, but readable, and small in contact sheets.

    Smaller where so many poses are side by side that a page would be too wide.
    """
    cell_px = max(resolution, _LEAST_CELL_PX)
    cell_px = min(cell_px, _LARGEST_TILE_PX) if kind == "contact" else cell_px
    return max(min(cell_px, _PAGE_WIDTH_PX // num_poses), _SMALLEST_CELL_PX)


def sheet_name(kind: str, page: int, num_pages: int) -> str:
    """`grid.png`; of several pages, counted from 0, `grid_001.png` and so on."""
    return f"{kind}_{page + 1:03d}.png" if num_pages > 1 else f"{kind}.png"
