"""The peer's virtual environment: made once, with exact versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from psgan_tf.common.files import write_atomically
from psgan_tf.common.processes import exclusive
from tools.benchmark._places import REPOSITORY

PEER = "tensorflow-gan"
DRIVER = "tools.benchmark.steps.peer_driver"
_REQUIREMENTS = Path(__file__).with_name("requirements-peer.txt")
_CONSTRAINTS = REPOSITORY / "constraints.txt"
_STAMP, _UNFINISHED = "installed", "unfinished"


def default_folder() -> Path:
    """In the user's cache, which all checkouts share."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "psgan_tf" / "tensorflow-gan"


def is_installed(folder: Path) -> bool:
    """Whether the folder holds the peer at the versions of this checkout."""
    stamp = folder / _STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _wanted()


def _wanted() -> str:
    """What decides the versions."""
    return "".join(path.read_text(encoding="utf-8") for path in (_REQUIREMENTS, _CONSTRAINTS))


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"The peer could not be installed: {words} Run the same command again.")


def _install(folder: Path) -> None:
    """An environment of this Python with the peer in it, made by this environment's pip."""
    print(f"installing {PEER} in {folder} (600 MB to fetch, 2 GB on disk)", file=sys.stderr)
    (folder / _UNFINISHED).touch()
    venv = folder / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    _run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    python = str(venv / "bin" / "python")
    _run(*pip, "--python", python, "install", "--requirement", str(_REQUIREMENTS))
    write_atomically(folder / _STAMP, _wanted())
    (folder / _UNFINISHED).unlink()


def peer_python(folder: Path) -> str:
    """The interpreter that has the peer; installs it first where it is not there yet.

    Args:
        folder: empty, missing, or what an earlier call made.

    Raises:
        ValueError: the folder holds other things, another process is installing there, or pip
            failed.
    """
    if not is_installed(folder):
        ours = any((folder / name).exists() for name in (_STAMP, _UNFINISHED))
        if folder.exists() and any(folder.iterdir()) and not ours:
            raise ValueError(
                "`peer_dir` must be empty, missing, or a folder that the benchmark made. "
                f"Received: peer_dir={folder}. Name another."
            )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _UNFINISHED).touch()
        refusal = f"Another benchmark is installing the peer in {folder}. Wait for it."
        with exclusive(folder / "lock", refusal):
            if not is_installed(folder):
                _install(folder)
    return str(folder / "venv" / "bin" / "python")
