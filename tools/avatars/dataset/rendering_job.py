"""Renders a dataset: planned first, made block by block, and taken up where it stopped.

A killed run goes on with the same command and ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import environ
from pathlib import Path
from typing import Any

import numpy as np

from psgan_tf.data.conversion.preparation import Progress
from psgan_tf.keypoints.dataset_folder import write_folder
from psgan_tf.keypoints.schema import SKELETONS
from tools.avatars.dataset.camera_fitting import fit_camera
from tools.avatars.dataset.folder_card import dataset_card
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.plan import (
    Block,
    choose_test_motions,
    file_name,
    list_motions,
    plan_blocks,
)
from tools.avatars.dataset.render_folder import RenderFolder
from tools.avatars.dataset.worker import (
    REASONS_MARK,
    Job,
    Studio,
    make_block,
    read_looks,
    start_worker,
)
from tools.avatars.loading.avatar import refuse_forbidden
from tools.avatars.loading.costumes import check_costume
from tools.avatars.mixed_poses.mixer import refusal_text

SKELETON = SKELETONS["avatar20"]

# The pictures' content, for one set of options; a stopped job must not go on with another.
_RENDERER_VERSION = 1

_SAMPLES = 5
_SAFETY = 1.15
_DISK_BLOCK_BYTES = 4096
_GIGABYTE = 1e9

Say = Callable[[str], None]


@dataclass(frozen=True)
class Preparation:
    """A job that is known to be possible.

    Attributes:
        studio: what was loaded, with the job that worker processes are to be told.
        blocks: the plan.
        card: the dataset card.
        settings: what the folder must have been made with to go on in it.
    """

    studio: Studio
    blocks: tuple[Block, ...]
    card: dict[str, Any]
    settings: dict[str, Any]

    @property
    def num_pictures(self) -> int:
        """All of them, made or not."""
        return sum(len(block.shots) for block in self.blocks)


def _avatar_names(avatars: Sequence[Path]) -> list[str]:
    names = [file_name(path.stem) for path in avatars]
    return [
        name if names.count(name) == 1 else f"{name}-{index}" for index, name in enumerate(names)
    ]


def _digests(options: RenderOptions) -> dict[tuple[str, Path], str]:
    """SHA-256 of each input file, by its role and path."""
    files = [("avatar", path) for path in options.avatars]
    files += [("costumes", path) for path in options.costumes if path is not None]
    files += [
        ("bones", path) for path in (options.avatar_bones, options.motion_bones) if path is not None
    ]
    files += [("motion", clip.path) for clip in list_motions(options.motions, options.fps)]
    return {
        (role, path): hashlib.sha256(path.read_bytes()).hexdigest()
        for role, path in dict.fromkeys(files)
    }


def prepare_job(options: RenderOptions, say: Say) -> Preparation:
    """Reads all inputs and plans all pictures, without writing anything.

    Raises:
        ValueError: an input is unusable, or an avatar's terms forbid its use.
    """
    clips = list_motions(options.motions, options.fps)
    test_motions = choose_test_motions(options, clips)
    looks = tuple(read_looks(options, index) for index in range(len(options.avatars)))
    several = len(options.avatars) > 1
    names = tuple(
        (name, tuple(f"{name}-{look.name}" if several else look.name for look in costumes))
        for name, costumes in zip(_avatar_names(options.avatars), looks, strict=True)
    )
    studio = Studio(Job(options, clips, test_motions, names))
    avatars = [studio.avatar(index) for index in range(len(options.avatars))]
    refuse_forbidden(avatars, options.have_permission)
    for avatar, costumes in zip(avatars, looks, strict=True):
        for costume in costumes:
            check_costume(costume, avatar.surfaces)
    say(f"reading {len(clips)} motions for {len(avatars)} avatars")
    frames = [studio.poses(0, motion).frames for motion in range(len(clips))]
    folder_names = [
        (name, [look.name for look in c]) for (name, _), c in zip(names, looks, strict=True)
    ]
    blocks = plan_blocks(options, folder_names, clips, frames)
    cameras = tuple(
        fit_camera(studio, index, avatar, looks[index], blocks)
        for index, avatar in enumerate(avatars)
    )
    studio.job = replace(studio.job, cameras=cameras)
    digests = _digests(options)
    return Preparation(
        studio=studio,
        blocks=blocks,
        card=dataset_card(studio.job, avatars, [len(part) for part in frames], digests),
        settings={
            "renderer": _RENDERER_VERSION,
            "options": options.choices(),
            "files": [[role, path.name, digest] for (role, path), digest in digests.items()],
        },
    )


def size_text(count: float) -> str:
    """Bytes for people: `3.4 MB`, `12.0 GB`."""
    return f"{count / 1e6:,.1f} MB" if count < _GIGABYTE else f"{count / _GIGABYTE:,.1f} GB"


def _check_room(pending: Sequence[Block], studio: Studio, output: Path, say: Say) -> None:
    """Makes a few of the pictures to come and refuses where the disk has too little room."""
    shots = [(block, shot) for block in pending for shot in block.shots]
    places = np.unique(np.linspace(0, len(shots) - 1, _SAMPLES).astype(int))
    lengths = [len(studio.shoot(*shots[place])[0]) for place in places]
    picture = float(np.mean([-(-n // _DISK_BLOCK_BYTES) * _DISK_BLOCK_BYTES for n in lengths]))
    needed = picture * len(shots) * _SAFETY
    free = shutil.disk_usage(output).free
    say(f"{len(shots):,} pictures to make, about {size_text(needed)} ({size_text(free)} free)")
    if needed > free:
        raise ValueError(
            f"`output` must be on a disk with {size_text(needed)} free. Received: {output}, with "
            f"{size_text(free)}. Make room, choose another disk, or fewer or smaller pictures."
        )


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Worker processes share the processors by themselves; their libraries must not as well."""
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    added = [name for name in names if name not in environ]
    environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            del environ[name]


def _make_all(pending: Sequence[Block], studio: Studio, say: Say) -> None:
    """Makes the blocks that are not done yet, one process a worker."""
    workers = min(studio.job.options.workers, len(pending))
    progress = Progress(sum(len(block.shots) for block in pending), say)

    def advance(count: int) -> None:
        for _ in range(count):
            progress.advance()

    if workers == 1:
        for block in pending:
            advance(studio.make(block))
        return
    with _one_thread_each():
        pool = ProcessPoolExecutor(
            workers,
            multiprocessing.get_context("spawn"),
            initializer=start_worker,
            initargs=(studio.job,),
        )
        try:
            waiting = {pool.submit(make_block, block) for block in pending}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    advance(future.result())
        except BrokenProcessPool:
            raise ValueError(
                "A worker process was killed, most likely for want of memory. Received: "
                f"{workers} workers. Run the same command again with fewer."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def render_dataset(options: RenderOptions, say: Say) -> int:
    """Renders a dataset folder, or what of it is still missing; returns the number of pictures.

    Args:
        options: what to render.
        say: takes each line of news.

    Raises:
        ValueError: an input is unusable, the folder is another job's, or the disk is too small.
        OSError: the disk failed or filled up; what is done stays, the same call goes on.
    """
    preparation = prepare_job(options, say)
    options.output.mkdir(parents=True, exist_ok=True)
    folder = RenderFolder(options.output)
    with folder.locked():
        folder.take(preparation.settings)
        if folder.is_finished(shot.image for block in preparation.blocks for shot in block.shots):
            folder.forget_notes()
            say(f"{options.output} is finished already")
            return preparation.num_pictures
        folder.reopen()
        pending = [block for block in preparation.blocks if _noted(folder, block) is None]
        if pending:
            done = len(preparation.blocks) - len(pending)
            if done:
                say(f"going on: {done} of {len(preparation.blocks)} blocks are done")
            _check_room(pending, preparation.studio, options.output, say)
            _make_all(pending, preparation.studio, say)
        rows = [row for block in preparation.blocks for row in _noted(folder, block) or ()]
        assert len(rows) == preparation.num_pictures
        size = (options.size_px, options.size_px)
        write_folder(options.output, SKELETON, size, rows, preparation.card)
        if options.mixed_poses:
            texts = [str(row.attributes["refused"]) for row in rows if "refused" in row.attributes]
            say(refusal_text([text.split(REASONS_MARK) if text else [] for text in texts]))
        folder.forget_notes()
    return preparation.num_pictures


def _noted(folder: RenderFolder, block: Block) -> Any:
    return folder.noted(block.index, [shot.image for shot in block.shots], SKELETON)
