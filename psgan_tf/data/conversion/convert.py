"""Conversion of a source to shards: planned first, written shard by shard, resumable.

A killed run goes on where it stopped and ends with the same bytes. The dataset card comes last:
where it is, the dataset is whole.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import tensorflow as tf

from psgan_tf.common.files import printable, write_atomically
from psgan_tf.data.conversion.inspection import summary_table
from psgan_tf.data.conversion.output_folder import OutputFolder, ShardRecord
from psgan_tf.data.conversion.preparation import (
    ConvertedExample,
    Progress,
    prepare_all,
    refuse_faults,
)
from psgan_tf.data.conversion.shard_plan import (
    ConversionOptions,
    Shard,
    estimate_bytes,
    plan,
    settings_of,
)
from psgan_tf.data.conversion.sources import Source
from psgan_tf.data.dataset_card import CARD_FILE, DatasetCard, Split, shard_paths
from psgan_tf.data.records import ShardWriter
from psgan_tf.keypoints.dataset_folder import RejectedItem

LEFT_OUT_FILE = "left_out.tsv"
_CARD_ENTRIES = ("licence", "credits", "source", "rest_skeleton", "camera")
_GIGABYTE = 1e9


def _size_text(count: int) -> str:
    """Bytes for people: `3.4 MB`, `12.0 GB`."""
    return f"{count / 1e6:,.1f} MB" if count < _GIGABYTE else f"{count / _GIGABYTE:,.1f} GB"


def _paths(shard: Shard, folder: OutputFolder, options: ConversionOptions) -> dict[int, Path]:
    return shard.paths(folder.directory, options.name, options.preparation.resolutions)


def _all_left_out(source: Source, finished: Sequence[ShardRecord]) -> list[RejectedItem]:
    return [*source.left_out, *(problem for note in finished for problem in note.left_out)]


def _write_shard(
    shard: Shard,
    made: Iterator[ConvertedExample | RejectedItem],
    folder: OutputFolder,
    options: ConversionOptions,
    progress: Progress,
) -> ShardRecord:
    """Writes one shard at all resolutions from as many of `made` as it has examples."""
    paths = _paths(shard, folder, options)
    writer = ShardWriter(paths, folder.state)
    left_out = []
    try:
        for item in islice(made, len(shard.examples)):
            progress.advance()
            if isinstance(item, ConvertedExample):
                writer.write(item.images_png, item.keypoints, item.name, item.costume, item.motion)
                continue
            left_out.append(item)
            if options.strict:
                refuse_faults(left_out)
        checksums = writer.close()
    except BaseException:
        writer.discard()
        raise
    sizes = {n: path.stat().st_size for n, path in paths.items()}
    kept = len(shard.examples) - len(left_out)
    return ShardRecord(shard.digest, kept, tuple(left_out), sizes, checksums)


def _write_pending(
    pending: Sequence[Shard],
    folder: OutputFolder,
    options: ConversionOptions,
    say: Callable[[str], None],
) -> None:
    """Writes and notes the shards that are not finished."""
    needed = estimate_bytes(pending, options.preparation)
    free = shutil.disk_usage(folder.directory).free
    examples = [example for shard in pending for example in shard.examples]
    say(
        f"writing {len(examples):,} pictures to {len(pending)} shards a resolution, "
        f"about {_size_text(needed)} ({_size_text(free)} free)"
    )
    if needed > free:
        raise ValueError(
            f"`output` must be on a disk with {_size_text(needed)} free. Received: "
            f"{folder.directory}, with {_size_text(free)}. Make room, choose another disk, "
            "or fewer `--resolutions`."
        )
    progress = Progress(len(examples), say)
    # Closing ends the worker processes at once, also where an error cuts the loop short.
    with closing(prepare_all(examples, options.preparation, options.workers)) as made:
        for shard in pending:
            folder.note(shard, _write_shard(shard, made, folder, options, progress))


def _make_card(
    source: Source,
    options: ConversionOptions,
    shards: Sequence[Shard],
    finished: Sequence[ShardRecord],
    conversion: dict[str, Any],
) -> DatasetCard:
    """The card of a dataset whose shards are all finished."""
    splits = {}
    for split in dict.fromkeys(shard.split for shard in shards):
        notes = [n for s, n in zip(shards, finished, strict=True) if s.split == split]
        resolutions = options.preparation.resolutions
        splits[split] = Split(
            sum(note.kept for note in notes),
            tuple(note.kept for note in notes),
            {n: tuple(note.checksums[n] for note in notes) for n in resolutions},
        )
    left_out = _all_left_out(source, finished)
    kinds = Counter(problem.reason.split(":")[0] for problem in left_out)
    entries = {key: source.card.get(key) for key in _CARD_ENTRIES}
    details = {k: v for k, v in source.card.items() if k not in (*_CARD_ENTRIES, "name")}
    if source.notes:
        details["reading"] = list(source.notes)
    return DatasetCard(
        name=options.name,
        skeleton=source.skeleton,
        keypoint_frame=options.preparation.frame_px,
        resolutions=options.preparation.resolutions,
        splits=splits,
        counts={
            "kept": sum(split.examples for split in splits.values()),
            **dict(sorted(kinds.items())),
        },
        conversion=conversion,
        details=details,
        **entries,
    )


def _finish(
    source: Source,
    folder: OutputFolder,
    options: ConversionOptions,
    shards: Sequence[Shard],
    conversion: dict[str, Any],
    say: Callable[[str], None],
) -> DatasetCard:
    """Writes the list of what was left out, then the card."""
    notes = [folder.finished(shard, _paths(shard, folder, options)) for shard in shards]
    finished = [note for note in notes if note is not None]
    card = _make_card(source, options, shards, finished, conversion)
    left_out = _all_left_out(source, finished)
    say(summary_table({key: split.examples for key, split in card.splits.items()}, left_out))
    if not card.splits["train"].examples:
        raise ValueError(
            f"`input` must hold pictures to train on. Received: all {len(left_out):,} were left "
            "out, for the reasons above. Mend them, or see `--min_keypoints`."
        )
    lines = [f"{printable(p.name)}\t{printable(p.reason)}\n" for p in left_out]
    write_atomically(folder.directory / LEFT_OUT_FILE, "name\treason\n" + "".join(lines))
    card.save(folder.directory)
    return card


def _complete_card(
    directory: Path, conversion: dict[str, Any], overwrite: bool
) -> DatasetCard | None:
    """The card of a folder that is finished already, with every shard there.

    Raises:
        ValueError: the finished dataset is of another input, and `overwrite` is off.
    """
    if not (directory / CARD_FILE).is_file():
        return None
    card = DatasetCard.load(directory)
    if card.conversion != conversion:
        if overwrite:
            return None
        raise ValueError(
            f"`output` must not hold a finished dataset of other pictures or annotations. "
            f"Received: {directory}, whose input has changed since. Choose another folder, or "
            "bring it up to date with `--overwrite`."
        )
    try:
        for split in card.splits:
            for resolution in card.resolutions:
                shard_paths(directory, card, split, resolution)
    except ValueError:
        return None  # a shard is gone: it is made again
    return card


def convert(
    source: Source, output: Path, options: ConversionOptions, say: Callable[[str], None]
) -> DatasetCard:
    """Writes a source's shards and card, or what of them is still missing.

    Args:
        source: the pictures and keypoints.
        output: the dataset's folder; made where it is missing.
        options: how.
        say: takes each line of progress.

    Raises:
        ValueError: the folder holds something else, the disk is too small, nothing is kept, or,
            under `strict`, something is broken.
        OSError: the disk refuses.
    """
    if options.strict:
        refuse_faults(source.left_out)
    shards = plan(source, options)
    settings = settings_of(source, options, shards)
    all_digests = "".join(shard.digest for shard in shards)
    conversion = {**settings, "input_digest": hashlib.sha256(all_digests.encode()).hexdigest()}
    folder = OutputFolder(output)
    with folder.locked():
        folder.take(settings, options.overwrite)
        pending = [s for s in shards if folder.finished(s, _paths(s, folder, options)) is None]
        card = _complete_card(output, conversion, options.overwrite)
        if card is not None and not folder.has_notes():  # a copy without its hidden files
            say(f"{output} is complete already")
            return card
        if len(pending) < len(shards):
            say(f"going on: {len(shards) - len(pending)} of {len(shards)} shards are finished")
        try:
            if pending:
                (output / CARD_FILE).unlink(missing_ok=True)
                _write_pending(pending, folder, options, say)
        except tf.errors.OpError as error:
            raise OSError(f"`{output}` cannot be written: {error.message}") from None
        return _finish(source, folder, options, shards, conversion, say)
