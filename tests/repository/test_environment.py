"""tools/make_environment.sh where there is no Python 3.11, or something in its way.

What it does with a Python 3.11 is seen by running `make test` at all.
"""

import os
import shutil
import subprocess
import sys

import pytest

from run_programs import REPOSITORY

SCRIPT = REPOSITORY / "tools" / "make_environment.sh"
COMMANDS = ("cat", "cmp", "dirname", "grep", "ls", "mkdir", "mv", "rm", "sh")
INPUTS = (
    "requirements.txt",
    "requirements-render.txt",
    "requirements-dev.txt",
    "constraints.txt",
    "pyproject.toml",
)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the script reads, and a machine (`bin`) with only the commands it uses."""
    folder = tmp_path / "checkout"
    (folder / "tools").mkdir(parents=True)
    for path in (SCRIPT, *(REPOSITORY / name for name in INPUTS)):
        shutil.copy(path, folder / path.relative_to(REPOSITORY))
    (tmp_path / "bin").mkdir()
    for command in COMMANDS:
        (tmp_path / "bin" / command).symlink_to(shutil.which(command))
    return folder


def add_program(checkout, name, text):
    path = checkout.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make_environment(checkout):
    return subprocess.run(
        ["sh", "tools/make_environment.sh", ".venv"],
        cwd=checkout,
        env={"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def add_finished_environment(checkout):
    """What an earlier call left, but for the packages, which an up-to-date call does not touch."""
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "pyvenv.cfg").write_text(f"home = {os.path.dirname(sys.executable)}\n")
    inputs = "".join((checkout / name).read_text() for name in INPUTS)
    (venv / "psgan_tf-installed").write_text(f"{checkout}\n{inputs}")
    return venv


def test_without_any_python_one_line_says_what_to_install(checkout):
    done = make_environment(checkout)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 is needed" in done.stderr
    assert "uv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_another_python_without_pip_and_uv_is_not_taken(checkout):
    add_program(checkout, "python3", "exit 1")
    done = make_environment(checkout)
    assert done.returncode == 1
    assert "Python 3.11 is needed" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_311_that_makes_no_environments_is_named_with_the_remedy(checkout):
    missing = checkout.parent / "missing"
    missing.mkdir()
    for module in ("ensurepip", "pip", "venv"):
        (missing / f"{module}.py").write_text("raise ImportError")
    add_program(checkout, "python3.11", f'PYTHONPATH={missing} exec {sys.executable} "$@"')
    done = make_environment(checkout)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "python3.11 cannot make virtual environments" in done.stderr
    assert "apt install python3-venv" in done.stderr


def test_a_folder_with_other_things_in_it_is_left_alone(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "letter.txt").write_text("mine")
    done = make_environment(checkout)
    assert done.returncode == 1
    assert "make VENV=folder" in done.stderr
    assert (checkout / ".venv" / "letter.txt").read_text() == "mine"


def test_an_environment_that_is_up_to_date_is_not_touched(checkout):
    add_finished_environment(checkout)
    done = make_environment(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("spoil", ["python", "unfinished"])
def test_an_environment_that_cannot_be_used_is_made_anew(checkout, spoil):
    venv = add_finished_environment(checkout)
    if spoil == "python":
        (venv / "bin" / "python").unlink()
    else:
        (venv / "psgan_tf-installed").rename(venv / "psgan_tf-unfinished")
    done = make_environment(checkout)
    assert "making it anew" in done.stdout
    assert "Python 3.11 is needed" in done.stderr  # This machine has none to make it with.
    assert not venv.exists()


def test_a_changed_requirement_is_seen(checkout):
    venv = add_finished_environment(checkout)
    with (checkout / "requirements.txt").open("a") as file:
        file.write("--no-index\n--find-links nowhere\n")
    done = make_environment(checkout)
    assert done.returncode == 1
    assert "setting up .venv" in done.stdout
    assert "could not be installed" in done.stderr
    assert (venv / "psgan_tf-unfinished").exists()
    assert not (venv / "psgan_tf-installed").exists()
