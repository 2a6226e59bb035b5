"""Shards to measure the input with: the built-in avatar, drawn and converted by the programs."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

from psgan_tf.data.dataset_card import DatasetCard, Split, shard_paths
from tools.benchmark._places import REPOSITORY

# Pictures that are drawn, and how often each is in the shards: an epoch is then of a usual length.
_POSES_PER_MOTION, _REPEATS = 12, 43
_RENDER = (
    "--avatar=built-in",
    "--motion=built-in#walk,dance_idol",
    "--costumes=built-in#ski-trip,forest-elf",
    f"--poses_per_motion={_POSES_PER_MOTION}",
    "--test_fraction=0",
)


def _run(module: str, *arguments: str) -> None:
    """Runs a program of this project.

    Raises:
        ValueError: it failed; the text has its last line.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise ValueError(f"{module} failed: {done.stderr.strip().splitlines()[-1]}")


def repeat_examples(directory: Path, times: int) -> None:
    """Makes each shard hold its examples several times over; the pictures stay as they are."""
    card = DatasetCard.load(directory)
    splits = {}
    for name, split in card.splits.items():
        for resolution in card.resolutions:
            for path in shard_paths(directory, card, name, resolution):
                # Records follow one another without a header or an index.
                Path(path).write_bytes(Path(path).read_bytes() * times)
        counts = tuple(times * count for count in split.shard_examples)
        splits[name] = Split(times * split.examples, counts, split.checksums)
    dataclasses.replace(card, splits=splits).save(directory)


def make_shards(folder: Path, resolution: int) -> Path:
    """Draws pictures and converts them to all resolutions up to one; where the shards are."""
    pictures, records = folder / "pictures", folder / "records"
    print("input: drawing pictures", file=sys.stderr)
    _run("tools.render_avatars", *_RENDER, f"--size={resolution}", f"--output={pictures}")
    print("input: converting them", file=sys.stderr)
    _run("tools.make_tfrecords", f"--input={pictures}", f"--output={records}")
    repeat_examples(records, _REPEATS)
    return records
