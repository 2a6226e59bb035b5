"""The curves of the subject `cost`: what was measured, and what could be reached at best."""

from __future__ import annotations

import dataclasses

from tools.benchmark.scaling.record import Record, Row
from tools.benchmark.scaling.sweeps import BATCH, REPLICAS


@dataclasses.dataclass(frozen=True)
class Curve:
    """One line of a panel.

    Args:
        name: of what was measured.
        places: along the horizontal axis, ascending.
        values: along the vertical one.
        is_bound: whether it is what could be reached, in place of what was.
    """

    name: str
    places: list[int]
    values: list[float]
    is_bound: bool = False


def best_rates(record: Record) -> dict[str, float]:
    """The GFLOP/s of the fastest bare convolution at any point, by precision."""
    rates: dict[str, float] = {}
    for row in record.every_row():
        if "best_gflops" in row:
            precision = row["precision"]
            rates[precision] = max(rates.get(precision, 0.0), row["best_gflops"])
    return rates


def _by_name(record: Record, sweep: str) -> dict[str, dict[int, Row]]:
    """For each curve of a sweep its rows by place, ascending."""
    found: dict[str, dict[int, Row]] = {}
    for at, rows in record.rows(sweep).items():
        for row in rows:
            found.setdefault(row["curve"], {})[at] = row
    return found


def _in_unit(sweep: str, row: Row, secs_per_image: float) -> float:
    """A time in the unit of its sweep: seconds an image, seconds a step, or images a second."""
    if sweep == REPLICAS:
        return 1 / secs_per_image
    return secs_per_image * row["batch"] if sweep == BATCH else secs_per_image


def time_curves(record: Record, sweep: str) -> list[Curve]:
    """For each curve of a sweep what was measured, and then what could be reached.

    That is the arithmetic at the machine's best rate, or the rate of the fewest replicas in
    proportion to their number.
    """
    curves, best = [], best_rates(record)
    for name, rows in _by_name(record, sweep).items():
        places = list(rows)
        measured = [_in_unit(sweep, row, row["secs_per_image"]) for row in rows.values()]
        if sweep == REPLICAS:
            bound = [measured[0] * at / places[0] for at in places]
        else:
            bound = [
                _in_unit(sweep, row, row["gflop_per_image"] / best[row["precision"]])
                for row in rows.values()
            ]
        curves.append(Curve(name, places, measured))
        curves.append(Curve(name, places, bound, is_bound=True))
    return curves


def memory_curves(record: Record, sweep: str) -> list[Curve]:
    """The peak in GiB, for each curve of a sweep."""
    return [
        Curve(name, list(rows), [row["peak_gib"] for row in rows.values()])
        for name, rows in _by_name(record, sweep).items()
    ]
