"""Atomic file writes, and files and JSON that are read with readable errors."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any


def write_atomically(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Writes `data` so that `path` is at every moment absent, the old file, or the new one.

    Text is written as UTF-8. The temporary file lies beside `path`, hidden from globs.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def parse_json(text: str) -> Any:
    """JSON text as Python values.

    Raises:
        ValueError: it is no JSON, or more than Python takes; the text is a short reason.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno} column {error.colno}") from None
    except ValueError:  # Python converts 4,300 digits at most
        raise ValueError("a whole number has thousands of digits") from None
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply") from None


def read_json(path: str | os.PathLike[str]) -> Any:
    """Reads a JSON file of any UTF-8 flavour.

    Raises:
        ValueError: the file is missing, unreadable or no JSON; the text names file and place.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"There is no file `{path}`.") from None
    except OSError as error:
        raise ValueError(f"`{path}` cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"`{path}` is not UTF-8 text (byte {error.start}).") from None
    try:
        return parse_json(text)
    except ValueError as error:
        raise ValueError(f"`{path}` is not valid JSON: {error}.") from None


# A list of plain values over several lines. No JSON string has a line break in it.
_FLAT_LIST = re.compile(r"\[\n\s+([^\[\]{}\n]*(?:,\n\s+[^\[\]{}\n]*)*)\n\s+\]")


def json_text(document: Any) -> str:
    """A document as indented JSON for people to read, each list of plain values on one line."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return _FLAT_LIST.sub(lambda found: "[" + re.sub(r",\n\s+", ", ", found[1]) + "]", text) + "\n"


def printable(text: str) -> str:
    """A file name as text that any terminal takes, however its bytes were encoded."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


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
