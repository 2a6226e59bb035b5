"""Starts the project's programs as a user does, and waits for what they leave behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HELPERS = Path(__file__).resolve().parent
REPOSITORY = HELPERS.parents[1]
PATIENCE_SECS = 1500


def start(module, *flags, environment=None):
    """Starts `python -m module`; output is text, both streams in one.

    `environment` is added to this process's own.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *flags],
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """Waits for the end; exit status and all that was printed."""
    output, _ = process.communicate(timeout=PATIENCE_SECS)
    return process.returncode, output


def run(module, *flags):
    """Runs `python -m module` to its end."""
    return finish(start(module, *flags))


def wait_for(process, condition):
    """Waits until `condition()` holds while the process lives; its value then."""
    end = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.stdout.read()}")
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"nothing came within the time: {process.communicate()[0]}")


def kill(process):
    """Kill -9, without any chance to clean up."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def free_ports(count):
    """Ports that nobody listens on now, all different."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def checkpoints(run_dir):
    """Images shown of the checkpoints that are complete, ascending."""
    indices = Path(run_dir, "checkpoints").glob("ckpt-*.index")
    return sorted(int(path.stem.removeprefix("ckpt-")) for path in indices)
