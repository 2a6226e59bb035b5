"""Reading a file that a user names: any failure is a ValueError with one clear sentence."""

from __future__ import annotations

from pathlib import Path


def read_source(path: str | Path) -> bytes:
    """The whole file.

    Raises:
        ValueError: it is missing, not a file, empty, or may not be read.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"`{path}` must be a file that can be read. Received: {reason}. Check the path."
        ) from error
    if not data:
        raise ValueError(f"`{path}` must not be empty. Received: 0 bytes. Fetch it again.")
    return data
