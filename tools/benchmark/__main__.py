"""Runs one subject's measurement.

    python -m tools.benchmark SUBJECT [--flag=value ...]

A subject is a module beside this one with a function `main() -> int` and flags of its own.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from psgan_tf.common import command_line


def subjects() -> list[str]:
    """The names of the modules beside this one."""
    return sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")
    )


def main(arguments: list[str]) -> None:
    """Hands over to the subject that the first argument names."""
    known = ", ".join(subjects())
    if not arguments or arguments[0] not in subjects():
        received = repr(arguments[0]) if arguments else "nothing"
        sys.exit(f"benchmark: the subject must be one of {known}. Received: {received}.")
    subject = arguments.pop(0)
    del sys.argv[1]
    try:
        module = importlib.import_module(f"tools.benchmark.{subject}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"benchmark: {subject} needs a package that is missing. Received: no {error.name}. "
            "Install it with: pip install -r requirements-dev.txt -r requirements-render.txt"
        )
    command_line.run(module.main, "benchmark")


if __name__ == "__main__":
    main(sys.argv[1:])
