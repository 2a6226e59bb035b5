"""Places that measurements need: this checkout."""

from __future__ import annotations

from pathlib import Path

# Programs are started here, so that `python -m` finds this checkout's packages.
REPOSITORY = Path(__file__).resolve().parents[2]
