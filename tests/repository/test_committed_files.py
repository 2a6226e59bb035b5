"""What is in the repository holds on any machine, and says exactly what it runs with."""

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from run_programs import REPOSITORY

THIS_FILE = "tests/repository/test_committed_files.py"
REQUIREMENTS = (
    "requirements.txt",
    "requirements-render.txt",
    "requirements-dev.txt",
    "constraints.txt",
)

# Folders of somebody's machine: home directories, mounted disks, build and scratch places.
MACHINE_PATHS = re.compile(
    r"(?<![\w.~/-])(?:/(?:root|work|mnt|media|scratch|workspace|builds)/"
    r"|/(?:home|Users)/[^/\s]+/|/tmp/[^/\s]+/|[A-Z]:\\)"
)


def committed_texts():
    """The text of each file that git keeps, by its path; skips where git cannot tell."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"what is committed is not known here: {error}")
    contents = {
        name: REPOSITORY / name for name in listed.split("\0") if (REPOSITORY / name).is_file()
    }
    data = {name: path.read_bytes() for name, path in contents.items()}
    return {name: text.decode("utf-8") for name, text in data.items() if b"\0" not in text}


def pins():
    """Each package that a requirements file names, with its version; names as pip compares them."""
    lines = [line for name in REQUIREMENTS for line in (REPOSITORY / name).read_text().splitlines()]
    packages = [line for line in lines if line and not line.startswith(("#", "-"))]
    assert [line for line in packages if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    return {comparable(line.split("==")[0]): line.split("==")[1] for line in packages}


def comparable(package):
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--data_dir=/home/somebody/records", True),
        ("cd /root/psgan", True),
        (r"open('C:\Users')", True),
        ("DATA=../shared/dataset", False),
        ("docker run -v $PWD:/psgan python:3.11", False),
        ("images shown/work/left", False),
    ],
)
def test_a_path_of_one_machine_is_told_from_others(line, expected):
    assert bool(MACHINE_PATHS.search(line)) is expected


def test_no_committed_text_names_a_path_of_one_machine():
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in committed_texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE_PATHS.search(line) and name != THIS_FILE
    ]
    assert found == []


def test_the_requirements_are_the_seven_pins_and_the_package_itself():
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    given = [line.split("==")[0] for line in lines if line and not line.startswith(("#", "--"))]
    assert given == [
        "tensorflow",
        "keras",
        "tensorflow-addons",
        "tensorflow-serving-api",
        "numpy",
        "pillow",
        "absl-py",
        "-e .",
    ]


def test_everything_installed_has_one_exact_version_in_the_requirements():
    if not (Path(sys.prefix) / "psgan_tf-installed").exists():
        pytest.skip("this environment was not set up by `make`, so it may hold other packages")
    expected = pins()
    # Not all of sys.path: setuptools adds a folder of its own copies once it is imported.
    installed = sysconfig.get_paths()["purelib"]
    for distribution in importlib.metadata.distributions(path=[installed]):
        name = comparable(distribution.metadata["Name"])
        # CUDA's wheels come along only with `tensorflow[and-cuda]`, which pins them itself.
        if name not in ("pip", "psgan-tf") and not name.startswith("nvidia-"):
            assert (name, distribution.version) == (name, expected.get(name))
