"""The figures of the subject `cost` in a file, which grows point by point and is gone on with."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from psgan_tf.common.files import json_text, read_json, write_atomically
from tools.benchmark.scaling.sweeps import KEYPOINTS, REPLICAS, SWEEPS, Point, Settings
from tools.benchmark.steps.cases import KERNELS

_SUBJECT = "cost"

Row = dict[str, Any]
Rows = list[Row]


class Record:
    """Figures by point, in a file.

    Args:
        path: of the file, written as points are added.
        settings: what all figures depend on.
        rows: of each point that was measured, by sweep and place.
    """

    def __init__(
        self, path: Path, settings: Settings, rows: Mapping[tuple[str, int], Rows] | None = None
    ) -> None:
        self.path = path
        self.settings = settings
        self._rows = dict(rows or {})

    def __contains__(self, point: Point) -> bool:
        return point.key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def sweeps(self) -> list[str]:
        """Those that have points."""
        present = {sweep for sweep, _ in self._rows}
        return [sweep for sweep in SWEEPS if sweep in present]

    def rows(self, sweep: str) -> dict[int, Rows]:
        """The rows of a sweep by place, ascending."""
        return {at: rows for (name, at), rows in sorted(self._rows.items()) if name == sweep}

    def every_row(self) -> Iterator[Row]:
        """The rows of all points."""
        return itertools.chain.from_iterable(self._rows.values())

    def add(self, point: Point, rows: Rows) -> None:
        """Keeps a point's rows, and writes the file."""
        self._rows[point.key] = rows
        measured = [
            {"sweep": sweep, "at": at, "rows": self._rows[sweep, at]}
            for sweep in self.sweeps
            for at in self.rows(sweep)
        ]
        settings = dataclasses.asdict(self.settings)
        document = {"subject": _SUBJECT, "settings": settings, "points": measured}
        write_atomically(self.path, json_text(document))


def _checked(settings: Settings, sweep: str, row: Row) -> Row:
    """The row itself, when it has what is drawn of it."""
    shown = ["batch", "secs_per_image", "peak_gib"]
    if sweep != REPLICAS:
        shown += ["gflop_per_image", "best_gflops"]
    curves = KERNELS if sweep == KEYPOINTS else settings.precision
    known = row["curve"] in curves and row["precision"] in settings.precision
    if not known or not all(row[name] > 0 for name in shown):
        raise ValueError(f"no row of the sweep {sweep}: {row}")
    return row


def _record_of(path: Path, document: dict[str, Any]) -> Record:
    """The record that a document holds; KeyError, TypeError or ValueError where it holds none."""
    given = document["settings"]
    settings = Settings(**{**given, "precision": tuple(given["precision"])})
    rows = {
        (SWEEPS[SWEEPS.index(point["sweep"])], int(point["at"])): [
            _checked(settings, point["sweep"], row) for row in point["rows"]
        ]
        for point in document["points"]
    }
    if document["subject"] != _SUBJECT or not rows or not all(rows.values()):
        raise ValueError("no figures")
    return Record(path, settings, rows)


def read_record(path: Path) -> Record:
    """Reads what an earlier call left.

    Raises:
        ValueError: there is no such file, or it is none of this subject's.
    """
    document = read_json(path)
    try:
        return _record_of(path, document)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            "`json` must be a file that this subject wrote, or none yet. "
            f"Received: json={path}. Name another."
        ) from None


def open_record(path: Path, settings: Settings) -> Record:
    """The record in a file, to go on with it; an empty one where there is no file.

    Raises:
        ValueError: its figures were measured with other settings, or it is no such file.
    """
    if not path.exists():
        return Record(path, settings)
    record = read_record(path)
    before, now = dataclasses.asdict(record.settings), dataclasses.asdict(settings)
    differing = [name for name in now if now[name] != before[name]]
    if differing:
        texts = [f"{name}={_text(now[name])} (there {_text(before[name])})" for name in differing]
        raise ValueError(
            f"`json` must be of the same flags to go on with it. Received: json={path} and "
            f"{', '.join(texts)}. Name another file, or add --draw_only to draw this one."
        )
    return record


def _text(value: Any) -> str:
    """As on a command line."""
    return ",".join(value) if isinstance(value, tuple) else str(value)
