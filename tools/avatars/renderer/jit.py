"""Compilation of the renderer's kernels, and the cache of what was compiled.

Kernels are plain Python functions compiled by Numba to machine code. The result is kept on disk,
because compiling takes seconds and every worker process needs it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

try:
    import numba
except ImportError as error:
    raise ImportError(
        "The renderer needs the package `numba`, which is not installed. "
        'Install it with: pip install "psgan_tf[render]".'
    ) from error

_Function = TypeVar("_Function", bound=Callable)


# The avatar tools' folder: kernels are looked for in all of it.
_AVATAR_TOOLS = Path(__file__).parents[1]


def kernel_files() -> list[Path]:
    """The modules that import this one, which are those with kernels, and itself."""
    marker = f"from {__name__} import".encode()
    return [
        path
        for path in sorted(_AVATAR_TOOLS.rglob("*.py"))
        if path == Path(__file__) or marker in path.read_bytes()
    ]


def _source_digest() -> str:
    # Numba looks only at the file of the outermost kernel to tell whether its stored code is
    # stale, so code stored under one digest of all kernels can never mix with another version.
    digest = hashlib.sha256(numba.__version__.encode())
    for path in kernel_files():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _is_ours(folder: Path) -> bool:
    """Whether we can write there and nobody else put it there: code will be run from it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    except OSError:
        return False


def compiled_code_folder() -> Path | None:
    """The first writable of: `$XDG_CACHE_HOME` (or `~/.cache`), the folder for temporary files.

    None where neither is: kernels are then compiled anew in every process.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    user = os.getuid() if hasattr(os, "getuid") else 0
    for base in (Path(home) / "psgan_tf", Path(tempfile.gettempdir()) / f"psgan_tf-{user}"):
        folder = base / f"kernels-{_source_digest()}"
        if _is_ours(base) and _is_ours(folder):
            return folder
    return None


@functools.cache
def _prepare_cache() -> bool:
    """Points Numba at the folder, unless the user chose one by `NUMBA_CACHE_DIR`."""
    config: Any = numba.config
    if config.CACHE_DIR:
        return True
    folder = compiled_code_folder()
    if folder is None:
        return False
    config.CACHE_DIR = str(folder)
    return True


def _compiled(function: _Function, inline: bool) -> _Function:
    # No fast-math flags: the same input gives the same bits on every run and in every thread.
    # Without Numba's run-time (`_nrt`) kernels cannot allocate, and save counting references to
    # the arrays they pass around, which took four fifths of the time.
    options: dict[str, Any] = {
        "cache": _prepare_cache(),
        "nogil": True,
        "error_model": "numpy",
        "forceinline": inline,
        "no_cpython_wrapper": inline,
        "no_cfunc_wrapper": True,
        "_nrt": False,
    }
    return numba.njit(**options)(function)


def kernel(function: _Function) -> _Function:
    """Compiles `function` on its first call; it releases Python's lock and allocates nothing."""
    return _compiled(function, inline=False)


def inlined_kernel(function: _Function) -> _Function:
    """Like `kernel`, for small functions of inner loops: copied into each of their callers."""
    return _compiled(function, inline=True)
