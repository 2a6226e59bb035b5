"""Start and end of every program: exit code 0, or one line on stderr and never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app, flags

INTERRUPTED = 130  # the shell's code for a program stopped with Ctrl-C


def _fail(program: str, message: str, code: int = 1) -> NoReturn:
    sys.stdout.flush()  # else a pipe of both has what was said before after this line
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


# What a TensorFlow error of this name means to a user, and what to do.
_MEANINGS = {
    "DataLossError": "a file is damaged; convert the pictures again, or restore the file",
    "ResourceExhaustedError": "memory or disk ran out; lower --batch_size, see BUILD.md",
}


def _tensorflow_error(error: Exception) -> str | None:
    """What to say of an error that TensorFlow raised; None for one of another kind."""
    errors = getattr(sys.modules.get("tensorflow"), "errors", None)
    if errors is None or not isinstance(error, errors.OpError):
        return None
    name = type(error).__name__
    return f"{_MEANINGS.get(name, name)}: {error.message.splitlines()[0]:.300}"


def run(main: Callable[..., int], program: str, arguments: Sequence[str] = ()) -> NoReturn:
    """Parses the command line and calls `main`; user errors become one line on stderr.

    Args:
        main: does the work and returns the exit code. ValueError and OSError are user errors, and
            a FloatingPointError is a training that diverged.
        program: what the line starts with, for instance `make_tfrecords`.
        arguments: names of what stands on the command line beside the flags, such as `DIR`;
            `main` is called with the values.
    """

    def parse(argv: list[str]) -> list[str]:
        try:
            rest = flags.FLAGS(argv)
        except SystemExit:
            sys.exit(0)  # after --help, which absl ends with 1
        except flags.Error as error:
            _fail(program, f"{str(error).rstrip('.')}. See --help.")
        values = rest[1:]
        if len(values) > len(arguments):
            found = values[len(arguments)]
            _fail(program, f"`{found}` is no flag. Write --flag=value; see --help.")
        if len(values) < len(arguments):
            _fail(program, f"`{arguments[len(values)]}` must be given. See --help.")
        return rest

    def guarded(argv: list[str]) -> int:
        try:
            return main(*argv[1:])
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
