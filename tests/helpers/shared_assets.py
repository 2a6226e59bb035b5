"""Avatars, motions and pictures that lie beside the repository; without them tests skip."""

import pytest

from run_programs import REPOSITORY

SHARED = REPOSITORY.parent / "shared"


def shared_path(relative):
    """A file or folder of the shared assets; skips the test, saying so, where absent."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"the shared asset {relative} is not beside the repository")
    return path
