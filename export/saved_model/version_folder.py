"""A model's folder of numbered versions: the next number, and a version that appears at once.

A polling server loads whatever folder has a number for a name, half-written or not, and may then
take minutes to try again. So a version is written under another name on the same file system and
renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

_UNFINISHED = ".export-"
_MAX_VERSION = 2**63 - 1  # servers keep versions as int64


def versions_in(model_dir: str | Path) -> dict[int, Path]:
    """What a server takes for versions: entries of a model's folder with a number for a name."""
    folder = Path(model_dir)
    entries = folder.iterdir() if folder.is_dir() else ()
    return {int(path.name): path for path in entries if path.name.isascii() and path.name.isdigit()}


def check_version_is_free(model_dir: str | Path, version: int | None) -> None:
    """Refuses a version that cannot be written.

    Args:
        model_dir: folder of the model's versions, there or not.
        version: number of the new one; None for the next free one.

    Raises:
        ValueError: it is taken, or no version number, or `model_dir` is a file.
    """
    if Path(model_dir).exists() and not Path(model_dir).is_dir():
        raise ValueError(
            f"`export_dir` must be a folder. Received: {model_dir}, which is a file. Name another."
        )
    taken = versions_in(model_dir)
    if version is not None and not 1 <= version <= _MAX_VERSION:
        raise ValueError(
            f"`version` must be a number from 1 to {_MAX_VERSION}. Received: {version}."
        )
    if version in taken:
        raise ValueError(
            f"`version` must be one that {model_dir} does not hold yet. Received: {version}. "
            f"Take {max(taken) + 1}, or leave it out."
        )
    if taken and max(taken) >= _MAX_VERSION:
        raise ValueError(f"`{model_dir}` holds version {max(taken)}, and no number follows that.")


@contextlib.contextmanager
def new_version(model_dir: str | Path) -> Iterator[Path]:
    """A hidden folder beside the versions to write the next one into; see `publish`.

    It is removed at the end unless it was published. One that a killed process left is removed
    by the next call: its lock died with the process.
    """
    folder = Path(model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    unfinished, lock = _make_locked(folder)
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        os.close(lock)


def publish(unfinished: Path, version: int | None) -> Path:
    """Renames a finished folder to its version, once all of it is on the disk.

    Args:
        unfinished: as `new_version` gave it.
        version: its number; None for the next free one.

    Returns:
        The version's folder.

    Raises:
        ValueError: the version was taken meanwhile.
    """
    model_dir = unfinished.parent
    for path in sorted(unfinished.rglob("*")):
        _sync(path)
    while True:
        check_version_is_free(model_dir, version)
        number = version or max(versions_in(model_dir), default=0) + 1
        target = model_dir / str(number)
        try:
            os.rename(unfinished, target)
        except OSError as error:
            # Another export was faster. A folder that holds something is never replaced.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            continue
        _sync(model_dir)
        return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_locked(folder: Path) -> tuple[Path, int]:
    """A new hidden folder and the descriptor that holds its lock."""
    while True:
        path = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
        path.mkdir()
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return path, descriptor
        os.close(descriptor)  # another export took it for abandoned before it was locked


def _remove_abandoned(folder: Path) -> None:
    """Removes what killed exports left; those still at work hold their folder's lock."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
