"""One picture of a source at a time, ready for the shards; and many at a time, in processes.

The worker processes are spawned and import no TensorFlow (a fork after its import may dead-lock);
what they make goes to the parent, which alone writes.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from psgan_tf.common.files import printable
from psgan_tf.common.processes import end_with_parent
from psgan_tf.data.conversion.sources import SourceExample, SourceKeypoints
from psgan_tf.images.pictures import PictureError, Pixels, encode_png, load_rgb, pyramid, to_square
from psgan_tf.keypoints.dataset_folder import RejectedItem, same_shape, shape_problem
from psgan_tf.keypoints.openpose import NORMALISED
from psgan_tf.keypoints.placement import place_keypoints
from psgan_tf.keypoints.schema import Keypoints

_CHUNK = 8  # pictures sent to a worker at a time
_PROGRESS_SECS = 5.0
_LONGEST_PAUSE_SECS = 60.0
_TOO_FEW = "fewer than"


@dataclass(frozen=True)
class ConversionSettings:
    """What is done to each picture.

    Args:
        frame_px: size in pixels of the square keypoint frame.
        resolutions: sizes in pixels to encode the picture at; none only checks it.
        square: `pad` (with white) or `crop` (to the middle).
        min_keypoints: pictures with fewer visible keypoints in the square are left out.
    """

    frame_px: int
    resolutions: tuple[int, ...]
    square: str
    min_keypoints: int


@dataclass(frozen=True)
class ConvertedExample:
    """A picture as it goes into the shards.

    Args:
        name: what it is called in its source.
        images_png: for each resolution N the picture, [N, N, 3] uint8, encoded.
        keypoints: [M, 3] float32, x and y in pixels of the keypoint frame, visible 0/1.
        costume: its costume, or empty.
        motion: the motion that it is a frame of, or empty.
    """

    name: str
    images_png: dict[int, bytes]
    keypoints: Keypoints
    costume: str
    motion: str


def is_fault(problem: RejectedItem) -> bool:
    """Whether something is broken or missing, rather than left out by the keypoint rule."""
    return not problem.reason.startswith(_TOO_FEW)


def _placed(
    measured: SourceKeypoints, size: tuple[int, int], preparation: ConversionSettings
) -> Keypoints:
    """Keypoints in the square frame; PictureError where the picture has another shape."""
    keypoints, measured_in, padded = measured
    if measured_in is not None and not padded and measured_in != NORMALISED:
        frame = (int(measured_in[0]), int(measured_in[1]))
        if not same_shape(size, frame):
            raise PictureError(shape_problem(size, frame))
    return place_keypoints(
        keypoints, size, preparation.square, preparation.frame_px, measured_in, padded
    )


def load_square(
    example: SourceExample, preparation: ConversionSettings
) -> tuple[Pixels, Keypoints]:
    """A source's picture as a square and its keypoints in the frame.

    Returns:
        [S, S, 3] uint8 at the picture's own scale; [M, 3] float32 in pixels of the frame.

    Raises:
        PictureError: the picture is missing, broken, or shaped unlike its keypoints' frame.
    """
    image = load_rgb(example.path)
    size = (image.shape[1], image.shape[0])
    return to_square(image, preparation.square), _placed(example.measured, size, preparation)


def prepare(
    example: SourceExample, preparation: ConversionSettings
) -> ConvertedExample | RejectedItem:
    """Makes one example, or says why it is left out."""
    try:
        image, keypoints = load_square(example, preparation)
    except PictureError as error:
        return RejectedItem(example.name, str(error))
    visible = int(keypoints[:, 2].sum())
    if visible < preparation.min_keypoints:
        rule = f"{_TOO_FEW} {preparation.min_keypoints} keypoints: {visible} visible"
        return RejectedItem(example.name, rule)
    levels = pyramid(image, preparation.resolutions) if preparation.resolutions else {}
    images_png = {n: encode_png(level) for n, level in levels.items()}
    return ConvertedExample(example.name, images_png, keypoints, example.costume, example.motion)


def refuse_faults(left_out: Sequence[RejectedItem]) -> None:
    """What `strict` means: ValueError naming the first thing that is broken or missing."""
    faults = [problem for problem in left_out if is_fault(problem)]
    if faults:
        name, reason = faults[0]
        raise ValueError(
            "`strict` allows no broken picture or annotation. "
            f"Received: {printable(name)}: {printable(reason)}"
            f"{f', and {len(faults) - 1} more' if len(faults) > 1 else ''}. "
            "Mend or remove it, or run without `--strict`."
        )


# ------------------------------------------------------------------------------------------------
# Many pictures.


def _prepare_chunk(
    examples: Sequence[SourceExample], preparation: ConversionSettings
) -> list[ConvertedExample | RejectedItem]:
    return [prepare(example, preparation) for example in examples]


def prepare_all(
    examples: Sequence[SourceExample], preparation: ConversionSettings, workers: int
) -> Generator[ConvertedExample | RejectedItem, None, None]:
    """Prepares examples in their order, in so many processes; 1 works in this one.

    Raises:
        ValueError: a worker process was killed.
    """
    chunks = [examples[i : i + _CHUNK] for i in range(0, len(examples), _CHUNK)]
    if workers == 1:
        yield from chain.from_iterable(_prepare_chunk(chunk, preparation) for chunk in chunks)
        return
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=end_with_parent
    )
    pending: deque[Future[list[ConvertedExample | RejectedItem]]] = deque()
    try:
        for chunk in chunks:
            pending.append(pool.submit(_prepare_chunk, chunk, preparation))
            # Bounded, so that a slow disk does not pile up pictures in memory.
            if len(pending) > 3 * workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool:
        raise ValueError(
            "A worker process was killed, most likely for want of memory. "
            f"Received: `workers={workers}`. Run the same command again with fewer."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def worker_count() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Progress:
    """Says every few seconds how far it is and how long it will take.

    Args:
        total: number of pictures to come.
        say: takes each line.
    """

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say = total, say
        self._done = 0
        self._start_secs = self._said_secs = time.monotonic()

    def advance(self) -> None:
        """Counts one picture."""
        self._done += 1
        now_secs = time.monotonic()
        elapsed_secs = now_secs - self._start_secs
        # A long run speaks less often, so that its log stays short.
        pause_secs = min(max(_PROGRESS_SECS, elapsed_secs / 20), _LONGEST_PAUSE_SECS)
        if now_secs - self._said_secs < pause_secs:
            return
        self._said_secs = now_secs
        rate = self._done / elapsed_secs
        left = timedelta(seconds=round((self._total - self._done) / rate))
        self._say(
            f"  {self._done:,} of {self._total:,} pictures ({self._done / self._total:.0%}), "
            f"{rate:,.0f} a second, {left} left"
        )
