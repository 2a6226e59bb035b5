"""Assignment of examples to shards: a function of the input and the seed.

Imports no TensorFlow.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psgan_tf.data.conversion.preparation import ConversionSettings, ConvertedExample, prepare
from psgan_tf.data.conversion.sources import Source, SourceExample
from psgan_tf.data.dataset_card import shard_name
from psgan_tf.keypoints.dataset_folder import SPLITS

_SHARD_BYTES = 2**30  # a shard's pictures at the largest resolution, decoded: PNG needs a tenth
_SMALLEST_SHARD = 16  # pictures
_FEWEST_SHARDS = 8  # where there are pictures enough, for readers that work side by side
_SAMPLES = 12  # pictures tried for the estimate of the disk space
_FRAMING_BYTES = 120  # of a record: lengths, checksums and the names of its features


@dataclass(frozen=True)
class ConversionOptions:
    """How a source is converted.

    Args:
        name: the shards' common name.
        preparation: what is done to each picture.
        seed: decides which pictures share a shard, and their order.
        shards: number of shards of the training split; 0 chooses.
        test_motions: motions that go into the test split as a whole.
        workers: number of processes.
        strict: stop at the first broken picture or annotation.
        overwrite: drop what an earlier conversion with other settings left in the folder.
    """

    name: str
    preparation: ConversionSettings
    seed: int = 0
    shards: int = 0
    test_motions: tuple[str, ...] = ()
    workers: int = 1
    strict: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Shard:
    """A planned shard.

    Args:
        split: `train` or `test`.
        index: its number among the split's shards.
        num_shards: how many the split has.
        examples: what goes into it, in order.
        digest: SHA-256 of all that decides its bytes, the pictures' contents included.
    """

    split: str
    index: int
    num_shards: int
    examples: tuple[SourceExample, ...]
    digest: str

    def paths(self, output: Path, name: str, resolutions: Sequence[int]) -> dict[int, Path]:
        """Where its files appear, by resolution."""
        return {
            n: output / shard_name(name, self.split, n, self.index, self.num_shards)
            for n in resolutions
        }


def resolutions_up_to(frame_px: int) -> tuple[int, ...]:
    """4, 8, 16, ... up to the largest power of two that the frame holds."""
    return tuple(2**k for k in range(2, frame_px.bit_length()))


def parse_resolutions(text: str | None, frame_px: int) -> tuple[int, ...]:
    """Reads `4-64` or `4,8,16`; None stands for all that the frame holds.

    Raises:
        ValueError: one is no power of two of at least 4, or larger than the frame.
    """
    possible = resolutions_up_to(frame_px)
    if not text:
        wanted = list(possible)
    else:
        first, dash, last = text.partition("-")
        numbers = [first, last] if dash else text.split(",")
        if not all(number.strip().isdecimal() for number in numbers):
            wanted = []
        elif dash:
            wanted = [n for n in possible if int(first) <= n <= int(last)]
            wanted += [n for n in map(int, numbers) if n not in possible]
        else:
            wanted = [int(number) for number in numbers]
    if not wanted or not set(wanted) <= set(possible):
        raise ValueError(
            f"`resolutions` must be powers of two from 4 up to the keypoint frame of {frame_px} "
            f"px, as 4-{possible[-1] if possible else 4} or 4,8,16. Received: {text}. Choose among "
            f"{', '.join(map(str, possible)) or 'none: the pictures are too small'}."
        )
    return tuple(sorted(set(wanted)))


def safe_name(name: str) -> str:
    """A dataset's name with only letters, digits, dot, dash and underscore, for file names."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "dataset"


def split_examples(
    examples: Sequence[SourceExample], test_motions: Sequence[str]
) -> dict[str, list[SourceExample]]:
    """The examples of each split: whole motions by name, the others as their source says.

    Raises:
        ValueError: a motion has no picture, or nothing is left to train on.
    """
    motions = {example.motion for example in examples}
    unknown = [motion for motion in test_motions if motion not in motions]
    if unknown:
        raise ValueError(
            f"`test_motions` must name motions of the input: {', '.join(sorted(motions - {''}))}. "
            f"Received: {', '.join(unknown)}. Correct the names."
        )
    splits: dict[str, list[SourceExample]] = {split: [] for split in SPLITS}
    for example in examples:
        splits["test" if example.motion in test_motions else example.split].append(example)
    if not splits["train"]:
        raise ValueError(
            f"`input` must hold pictures to train on. Received: {len(examples)} usable pictures, "
            "none of them in the train split. Check their splits and `--test_motions`."
        )
    return splits


def _picture_digest(path: str) -> str:
    """SHA-256 of a file's bytes, for size and time miss a change; empty for what is no file.

    Reading costs little beside the decoding and encoding that follows.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _digest(examples: Sequence[SourceExample], preparation: ConversionSettings) -> str:
    """SHA-256 over the examples' names, pictures and keypoints, and what is done to them."""
    total = hashlib.sha256(repr(preparation).encode())
    for example in examples:
        picture = _picture_digest(example.path)
        keypoints, measured_in, padded = example.measured
        entry = (example.name, example.costume, example.motion, picture, measured_in, padded)
        total.update(repr(entry).encode("utf-8", "backslashreplace"))
        total.update(keypoints.tobytes())
    return total.hexdigest()


def _shuffled(examples: Sequence[SourceExample], seed: int) -> list[SourceExample]:
    """In an order that only names and seed decide, so that a shard is no single motion."""

    def rank(example: SourceExample) -> bytes:
        return hashlib.sha256(f"{seed} {example.name}".encode("utf-8", "surrogateescape")).digest()

    return sorted(examples, key=rank)


def _shard_count(num_examples: int, largest_px: int) -> int:
    by_size = -(-num_examples * 3 * largest_px**2 // _SHARD_BYTES)
    return max(by_size, min(_FEWEST_SHARDS, -(-num_examples // _SMALLEST_SHARD)))


def plan(source: Source, options: ConversionOptions) -> list[Shard]:
    """Which example goes where: the shards of the training split, then those of the test split."""
    shards = []
    preparation = options.preparation
    for split, examples in split_examples(source.examples, options.test_motions).items():
        if not examples:
            continue
        count = options.shards if split == "train" and options.shards else 0
        count = count or _shard_count(len(examples), max(preparation.resolutions))
        ordered = _shuffled(examples, options.seed)
        for index in range(count):
            # Slices whose sizes differ by one at most.
            part = ordered[len(ordered) * index // count : len(ordered) * (index + 1) // count]
            digest = _digest(part, preparation)
            shards.append(Shard(split, index, count, tuple(part), digest))
    return shards


def settings_of(
    source: Source, options: ConversionOptions, shards: Sequence[Shard]
) -> dict[str, Any]:
    """Everything that two runs must agree on to make one dataset together, as JSON values."""
    preparation = options.preparation
    counts = {shard.split: shard.num_shards for shard in shards}
    return {
        "name": options.name,
        "form": source.form,
        "schema": source.skeleton.to_json(),
        "frame_px": preparation.frame_px,
        "resolutions": list(preparation.resolutions),
        "square": preparation.square,
        "min_keypoints": preparation.min_keypoints,
        "test_motions": sorted(options.test_motions),
        "seed": options.seed,
        "shards": counts,
    }


def estimate_bytes(shards: Sequence[Shard], preparation: ConversionSettings) -> int:
    """Disk space that shards will take, from a few of their pictures."""
    examples = [example for shard in shards for example in shard.examples]
    picked = examples[:: max(1, len(examples) // _SAMPLES)]
    made = [prepare(example, preparation) for example in picked]
    sizes = [
        sum(map(len, m.images_png.values()))
        + (m.keypoints.nbytes + len(m.name) + _FRAMING_BYTES) * len(m.images_png)
        for m in made
        if isinstance(m, ConvertedExample)
    ]
    return round(sum(sizes) / len(picked) * len(examples)) if picked else 0
