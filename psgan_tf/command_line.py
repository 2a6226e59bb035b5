"""How every program ends: 0, or one line on stderr that says what to do, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags

INTERRUPTED = 130  # the shell's code for a program stopped with Ctrl-C


def _fail(program: str, message: str, code: int = 1) -> NoReturn:
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


# What a TensorFlow error of this name means to a user, and what to do.
_MEANINGS = {
    "DataLossError": "a file is damaged; convert the pictures again, or restore the file",
    "ResourceExhaustedError": "memory or disk ran out; lower --batch_size, see BUILD.md",
}


def _tensorflow_error(error: Exception) -> str | None:
    """What to say of an error that TensorFlow raised; None for one of another kind."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return None
    name = type(error).__name__
    return f"{_MEANINGS.get(name, name)}: {error.message.splitlines()[0]:.300}"


def run(main: Callable[[], int], program: str) -> NoReturn:
    """Parses the command line and calls `main`; user errors become one line on stderr.

    Args:
        main: does the work and returns the exit code. ValueError and OSError are user errors, and
            a FloatingPointError is a training that diverged.
        program: what the line starts with, for instance `make_tfrecords`.
    """

    def parse(argv: list[str]) -> list[str]:
        try:
            arguments = flags.FLAGS(argv)
        except flags.Error as error:
            _fail(program, f"{str(error).rstrip('.')}. See --help.")
        if len(arguments) > 1:
            _fail(program, f"`{arguments[1]}` is no flag. Write --flag=value; see --help.")
        return arguments

    def guarded(argv: list[str]) -> int:
        del argv  # parse has refused all but flags
        try:
            return main()
        except KeyboardInterrupt:
            _fail(program, "stopped. The same command again goes on from here.", INTERRUPTED)
        except OSError as error:
            place = f"`{error.filename}`: " if error.filename else ""
            _fail(program, f"{place}{error.strerror or error}")
        except (ValueError, FloatingPointError) as error:
            _fail(program, str(error))
        except Exception as error:
            message = _tensorflow_error(error)
            if message is None:
                raise
            _fail(program, message)

    app.run(guarded, flags_parser=parse)
    raise AssertionError("app.run ends the process")
