"""Common parts of the benchmark's pictures of curves."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator

from matplotlib import style
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#2f6db5", "#d9772b", "#146e3c", "#c83c32", "#969696"
QUIET = "#5a5a5a"
_GRID = "#e1e1e1"
_DOTS_PER_INCH = 120

_STYLE = {
    "font.size": 8.5,
    "figure.dpi": _DOTS_PER_INCH,
    "savefig.dpi": _DOTS_PER_INCH,
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET,
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "legend.borderaxespad": 0.2,
    "legend.frameon": False,
    "xtick.color": QUIET,
    "xtick.minor.size": 0,
    "ytick.color": QUIET,
    "ytick.minor.size": 0,
}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """The style of all figures that are made inside, whatever the user's own settings are."""
    with style.context(["default", _STYLE]):
        yield


def new_figure(width_px: int, height_px: int) -> Figure:
    """An empty figure; inside `styled`."""
    size = (width_px / _DOTS_PER_INCH, height_px / _DOTS_PER_INCH)
    return Figure(figsize=size, layout="constrained")


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG, the same bytes for the same figure."""
    with styled(), io.BytesIO() as file:
        figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()
