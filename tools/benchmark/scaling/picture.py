"""The picture of the subject `cost`: time above, memory below, a column for each sweep."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from tools.benchmark.films.figures import BLUE, GREEN, GREY, ORANGE, QUIET, new_figure, styled
from tools.benchmark.scaling.curves import Curve, memory_curves, time_curves
from tools.benchmark.scaling.record import Record
from tools.benchmark.scaling.sweeps import BATCH, KEYPOINTS, REPLICAS, RESOLUTION, Settings

_COLUMN_PX, _HEIGHT_PX, _LEAST_COLUMNS = 300, 600, 2
# Where there are more places than this, every other one has its label.
_MOST_LABELS = 6
# A logarithmic axis shorter than this has ticks between the powers of ten.
_SHORT = 100
# The end of an axis from zero, in the largest values on it.
_ROOM, _ROOM_FOR_LEGEND = 1.12, 1.5
_COLOURS = {"float32": BLUE, "bfloat16": ORANGE, "fast": GREEN, "plain": GREY}
_FLOOR, _PROPORTION = "floor", "in proportion"


@dataclasses.dataclass(frozen=True)
class Look:
    """How a sweep is shown.

    Args:
        title: what grows.
        place: label of the horizontal axis.
        time: label of the upper vertical axis.
        bound: what the best that could be reached is called.
        is_doubling: whether places double; the axes of place and time are then logarithmic.
    """

    title: str
    place: str
    time: str
    bound: str = _FLOOR
    is_doubling: bool = True


_LOOKS = {
    RESOLUTION: Look("Resolution", "pixels on a side", "seconds an image"),
    BATCH: Look("Batch", "images a step", "seconds a step"),
    KEYPOINTS: Look("Keypoints", "keypoints (M)", "seconds an image", is_doubling=False),
    REPLICAS: Look(
        "Replicas", "replicas, a core each", "images a second", _PROPORTION, is_doubling=False
    ),
}


def _draw(axes: Axes, curves: Sequence[Curve], look: Look) -> None:
    """Lines with a dot at each place, dashed without dots where they are bounds."""
    for curve in curves:
        axes.plot(
            curve.places,
            curve.values,
            color=_COLOURS[curve.name],
            linestyle="--" if curve.is_bound else "-",
            linewidth=1.1 if curve.is_bound else 1.8,
            marker=None if curve.is_bound else "o",
            markersize=3.5,
            label=f"{curve.name}, {look.bound}" if curve.is_bound else curve.name,
        )


def _mark_places(axes: Axes, look: Look) -> None:
    """A tick at each place; labels where there is room, the last place's among them."""
    places = sorted({int(x) for line in axes.lines for x in line.get_xdata()})
    if look.is_doubling:
        axes.set_xscale("log", base=2)
    step = 2 if len(places) > _MOST_LABELS else 1
    labelled = set(places[::-step])
    axes.set_xticks(places, [str(at) if at in labelled else "" for at in places], minor=False)


def _explain(axes: Axes, look: Look) -> None:
    """A legend: the curves by colour, and one dashed line for all bounds."""
    lines = [line for line in axes.lines if line.get_linestyle() == "-"]
    lines.append(Line2D([], [], color=QUIET, linestyle="--", linewidth=1.1, label=look.bound))
    axes.legend(handles=lines, loc="best")


def _scale_values(axes: Axes, is_logarithmic: bool, room: float) -> None:
    """A vertical axis from zero with some room above, or a logarithmic one with plain numbers."""
    values = [float(y) for line in axes.lines for y in line.get_ydata()]
    if not is_logarithmic:
        axes.set_ylim(0, room * max(values))
        return
    axes.set_yscale("log")
    is_short = max(values) < _SHORT * min(values)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if is_short else (1,)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _entitle(axes: Axes, title: str, fixed: str) -> None:
    """What grows, and below it what does not."""
    axes.set_title(title, loc="left", fontweight="bold", pad=19)
    axes.annotate(
        fixed, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", color=QUIET
    )


def _fixed(settings: Settings, sweep: str) -> str:
    """What stays as it is in a sweep, below its title."""
    first = settings.precision[0]
    return {
        RESOLUTION: f"batch {settings.resolution_batch}",
        BATCH: f"{settings.batch_px} px",
        KEYPOINTS: f"{settings.keypoints_px} px, batch {settings.keypoints_batch}, {first}",
        REPLICAS: f"{settings.replicas_px} px, batch {settings.replicas_batch} each, {first}",
    }[sweep]


def _title(settings: Settings) -> str:
    stages = "fading stages" if settings.fading else "full stages"
    return (
        f"What a training step costs\nwidths {settings.fmap_base} / {settings.fmap_max}, "
        f"M = {settings.num_keypoints}, {' and '.join(settings.precision)}, {stages}, "
        f"{settings.cores} cores"
    )


def _notes(sweeps: Sequence[str]) -> str:
    """What words in the legends mean."""
    notes = []
    if any(_LOOKS[sweep].bound == _FLOOR for sweep in sweeps):
        notes.append("floor: the arithmetic at the rate of the machine's fastest bare convolution")
    if KEYPOINTS in sweeps:
        notes.append("plain: computed as the paper draws it")
    return "\n".join(notes)


def cost_figure(record: Record) -> Figure:
    """Two panels for each sweep that has points.

    Args:
        record: the figures, of one point at least.
    """
    with styled():
        columns = len(record.sweeps)
        figure = new_figure(_COLUMN_PX * max(columns, _LEAST_COLUMNS), _HEIGHT_PX)
        panels = figure.subplots(2, columns, squeeze=False, sharex="col")
        for (above, below), sweep in zip(panels.T, record.sweeps, strict=True):
            look = _LOOKS[sweep]
            _draw(above, time_curves(record, sweep), look)
            _draw(below, memory_curves(record, sweep), look)
            _scale_values(above, look.is_doubling, _ROOM_FOR_LEGEND)
            _scale_values(below, False, _ROOM)
            _mark_places(below, look)
            _explain(above, look)
            _entitle(above, look.title, _fixed(record.settings, sweep))
            above.set_ylabel(look.time)
            each = " of a replica" if sweep == REPLICAS else ""
            below.set(xlabel=look.place, ylabel=f"peak memory{each}, GiB")
        figure.align_ylabels()
        figure.suptitle(_title(record.settings), x=0.01, ha="left", fontsize=9.5)
        figure.supxlabel(_notes(record.sweeps), x=0.01, ha="left", fontsize=8, color=QUIET)
    return figure
