"""Small rendering jobs, and what is in their folders."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motion_files_by_hand import written
from psgan_tf.keypoints.dataset_folder import read_folder
from run_programs import REPOSITORY
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.rendering_job import render_dataset

# Standing still, then: the left arm up, the right forearm forward, a step to the left.
MOVES = [
    {},
    {"leftUpperArm": [90, 0, 0], "rightLowerArm": [0, 0, 90]},
    {"hips": [0.5, 1.0, 0.25, 0, 0, 0], "head": [0, 0, 40], "leftUpperLeg": [0, -30, 0]},
]


def rendered(files, **changes):
    """The folder that a job with these changes makes."""
    options = RenderOptions(**(files | changes))
    render_dataset(options, lambda line: None)
    return read_folder(options.output)


def contents(directory):
    """Every file of a folder by name, hidden ones left out."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_file() and not path.relative_to(directory).parts[0].startswith(".")
    }


def costumes(folder, *names):
    return written(folder, "looks.json", json.dumps({"costumes": {name: {} for name in names}}))


def command(*arguments):
    return [sys.executable, "-m", "tools.render_avatars", *map(str, arguments)]


def run(*arguments, **options):
    return subprocess.run(
        command(*arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=300, **options
    )


def assert_one_line_of_error(done, *words):
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("render_avatars: ")
    for word in words:
        assert word in done.stderr


def started(flags, blocks):
    """A job that has noted so many blocks and is not finished; in a session of its own.

    It is halted, so that it cannot end before we wake: SIGCONT lets it go on.
    """
    output = Path(flags[-1].removeprefix("--output="))
    for _ in range(5):
        process = subprocess.Popen(
            command(*flags),
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Programs in a script's background are started deaf to Ctrl-C, and hand that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while process.poll() is None:
            if len(list(output.glob(".rendering/block-*.json"))) >= blocks:
                process.send_signal(signal.SIGSTOP)
                if process.poll() is None and not (output / "manifest.jsonl").exists():
                    return process
                process.send_signal(signal.SIGCONT)
                process.wait()
            time.sleep(0.002)
        assert process.returncode == 0, process.stderr.read()
        shutil.rmtree(output)  # too fast for us: once more
    pytest.fail("the job ended five times before it could be stopped")


def processes_of_session(session):
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def kill(process):
    """Kills a job's own process only, and waits until its workers have noticed."""
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while processes_of_session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes_of_session(process.pid) == []
