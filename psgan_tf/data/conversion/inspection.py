"""Looking at a source without converting it: a full check, a contact sheet, a table of reasons.

Imports no TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from psgan_tf.common.files import printable, write_atomically
from psgan_tf.data.conversion.preparation import (
    ConversionSettings,
    ConvertedExample,
    Progress,
    load_square,
    prepare,
    prepare_all,
)
from psgan_tf.data.conversion.shard_plan import ConversionOptions, split_examples
from psgan_tf.data.conversion.sources import Source, SourceExample
from psgan_tf.images.contact_sheets import contact_sheet
from psgan_tf.images.pictures import PictureError, Pixels, encode_png, pyramid
from psgan_tf.keypoints.dataset_folder import RejectedItem
from psgan_tf.keypoints.drawing import draw_skeleton
from psgan_tf.keypoints.schema import Skeleton

_TILE_PX = 256
_SHEET_COLUMNS = 8


def _tile(
    example: SourceExample, preparation: ConversionSettings, skeleton: Skeleton
) -> tuple[Pixels, str]:
    """An example with its skeleton drawn, and its caption: its name, or why it is left out."""
    made = prepare(example, preparation)
    caption = Path(example.name).name
    if isinstance(made, RejectedItem):
        caption = f"LEFT OUT {made.reason}: {caption}"
    try:
        image, keypoints = load_square(example, preparation)
    except PictureError:
        return np.full((_TILE_PX, _TILE_PX, 3), 255, np.uint8), caption
    tile = pyramid(image, (_TILE_PX,))[_TILE_PX]
    return draw_skeleton(tile, keypoints, skeleton, preparation.frame_px), caption


def write_preview(
    path: str | Path,
    examples: Sequence[SourceExample],
    preparation: ConversionSettings,
    skeleton: Skeleton,
    count: int = 48,
) -> None:
    """Writes a contact sheet (PNG) of examples picked evenly, skeletons drawn over them."""
    picked = np.unique(np.linspace(0, len(examples) - 1, min(count, len(examples))).round())
    tiles = [_tile(examples[int(i)], preparation, skeleton) for i in picked]
    images, captions = zip(*tiles, strict=True)
    sheet = contact_sheet(images, captions, min(_SHEET_COLUMNS, len(images)))
    write_atomically(path, encode_png(sheet))


def summary_table(kept: dict[str, int], left_out: Sequence[RejectedItem], examples: int = 3) -> str:
    """What was kept in each split and what was left out, by reason, with a few names each.

    Args:
        kept: number of pictures in each split.
        left_out: everything else; a reason's kind is its text before the colon.
        examples: how many to name for each kind of reason.
    """
    lines = [f"{f'kept, {split}':<34}{count:>10,}" for split, count in kept.items()]
    kinds: dict[str, list[RejectedItem]] = {}
    for problem in left_out:
        kinds.setdefault(problem.reason.split(":")[0], []).append(problem)
    for kind, problems in sorted(kinds.items(), key=lambda item: -len(item[1])):
        lines.append(f"{f'left out, {kind}':<34}{len(problems):>10,}")
        for problem in problems[:examples]:
            lines.append(f"    {printable(problem.name)}: {printable(problem.reason)}")
        if len(problems) > examples:
            lines.append(f"    and {len(problems) - examples:,} more")
    return "\n".join(lines)


def check_source(
    source: Source, options: ConversionOptions, say: Callable[[str], None]
) -> tuple[dict[str, int], list[RejectedItem]]:
    """Reads every picture as a conversion would, and writes nothing.

    Returns:
        Number of pictures that would be kept in each split, and all that would be left out.
    """
    # Without resolutions pictures are read but not encoded.
    preparation = dataclasses.replace(options.preparation, resolutions=())
    splits = split_examples(source.examples, options.test_motions)
    progress = Progress(len(source.examples), say)
    kept: Counter[str] = Counter()
    left_out = list(source.left_out)
    for split, examples in splits.items():
        for made in prepare_all(examples, preparation, options.workers):
            progress.advance()
            if isinstance(made, ConvertedExample):
                kept[split] += 1
            else:
                left_out.append(made)
    return dict(kept), left_out
