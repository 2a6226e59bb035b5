"""Counters and latencies in Prometheus' text format, under the stock server's names.

Written here, since prometheus_client ends every counter's name in `_total`, which the stock
server's names do not. Times are in microseconds, in the stock server's buckets: 10 us, and each
1.8 times the one before, 33 in all (20 minutes).
"""

from __future__ import annotations

import bisect
import itertools
import threading
from dataclasses import dataclass, field

PREFIX = ":tensorflow:serving:"
BUCKET_ENDS_US = tuple(10 * 1.8**power for power in range(33))
# Model names come from requests; names beyond this many are counted under one.
MOST_LABELS = 1000
OTHER = "(other)"


@dataclass
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_ENDS_US) + 1))
    sum_us: float = 0.0

    def add(self, value_us: float) -> None:
        self.counts[bisect.bisect_right(BUCKET_ENDS_US, value_us)] += 1
        self.sum_us += value_us


Labels = tuple[str, ...]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _label_text(names: Labels, values: Labels) -> str:
    return ",".join(
        f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)
    )


def _counter_lines(name: str, label_names: Labels, cells: dict[Labels, int]) -> list[str]:
    return [
        f"# TYPE {name} counter",
        *(
            f"{name}{{{_label_text(label_names, labels)}}} {count}"
            for labels, count in cells.items()
        ),
    ]


def _histogram_lines(name: str, label_names: Labels, cells: dict[Labels, _Histogram]) -> list[str]:
    lines = [f"# TYPE {name} histogram"]
    for labels, histogram in cells.items():
        text = _label_text(label_names, labels)
        totals = itertools.accumulate(histogram.counts)
        ends = [f"{end:g}" for end in BUCKET_ENDS_US] + ["+Inf"]
        lines += [
            f'{name}_bucket{{{text},le="{end}"}} {total}'
            for end, total in zip(ends, totals, strict=True)
        ]
        lines += [
            f"{name}_sum{{{text}}} {histogram.sum_us:.10g}",
            f"{name}_count{{{text}}} {sum(histogram.counts)}",
        ]
    return lines


class Metrics:
    """What was counted since the start; an `Observer` that may be told from many threads."""

    COUNTERS: dict[str, Labels] = {"request_count": ("model_name", "status")}  # noqa: RUF012
    HISTOGRAMS: dict[str, Labels] = {  # noqa: RUF012
        "request_latency": ("model_name", "API", "entrypoint"),
        "runtime_latency": ("model_name", "API", "runtime"),
        "model_warmup_latency": ("model_path", "status"),
        "batching_session:queuing_latency": ("thread_pool_name",),
    }

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[Labels, int]] = {name: {} for name in self.COUNTERS}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {
            name: {} for name in self.HISTOGRAMS
        }

    def request_finished(
        self, model_name: str, method: str, entry_point: str, code_name: str, secs: float
    ) -> None:
        """Counts a request; its latency as well where it was answered well."""
        self._count("request_count", (model_name, code_name))
        if code_name == "OK":
            self._add("request_latency", (model_name, method, entry_point), secs)

    def run_finished(self, model_name: str, secs: float) -> None:
        self._add("runtime_latency", (model_name, "Predict", "TF1"), secs)

    def warmed_up(self, model_path: str, records: int, secs: float) -> None:
        if records:
            self._add("model_warmup_latency", (model_path, "OK"), secs)

    def queued(self, thread_pool_name: str, secs: float) -> None:
        """A request was taken from its batching queue."""
        self._add("batching_session:queuing_latency", (thread_pool_name,), secs)

    def text(self) -> str:
        """All metrics that have a value, in Prometheus' text format 0.0.4."""
        with self._lock:
            lines: list[str] = []
            for name, cells in self._counters.items():
                if cells:
                    lines += _counter_lines(PREFIX + name, self.COUNTERS[name], cells)
            for name, histograms in self._histograms.items():
                if histograms:
                    lines += _histogram_lines(PREFIX + name, self.HISTOGRAMS[name], histograms)
        return "\n".join(lines) + "\n"

    def _count(self, name: str, labels: Labels) -> None:
        with self._lock:
            cells = self._counters[name]
            labels = _bounded(labels, cells)
            cells[labels] = cells.get(labels, 0) + 1

    def _add(self, name: str, labels: Labels, secs: float) -> None:
        with self._lock:
            cells = self._histograms[name]
            cells.setdefault(_bounded(labels, cells), _Histogram()).add(secs * 1e6)


def _bounded(labels: Labels, cells: dict[Labels, object]) -> Labels:
    """The labels, or those of the rest once there are too many to keep apart."""
    if labels in cells or len(cells) < MOST_LABELS:
        return labels
    return (OTHER, *labels[1:])
