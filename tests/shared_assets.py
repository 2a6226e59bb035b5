"""Avatars, motions and pictures that lie beside the repository; without them tests skip."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_path(relative):
    """A file or folder of the shared assets; skips the test, saying so, where absent."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"the shared asset {relative} is not beside the repository")
    return path
