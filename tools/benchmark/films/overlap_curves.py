"""Curves over the frames of a film."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

_COLOURS = ("#146e3c", "#c83c32", "#2f6db5", "#969696")
_LINES = "#5a5a5a"
_INCHES = (760 / 120, 300 / 120)
# The same picture whatever the user's own settings are.
_STYLE = [
    "default",
    {
        "font.size": 8.5,
        "figure.dpi": 120,
        "savefig.dpi": 120,
        "axes.axisbelow": True,
        "axes.edgecolor": _LINES,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "grid.color": "#e1e1e1",
        "grid.linewidth": 0.7,
        "legend.borderaxespad": 0.2,
        "legend.frameon": False,
        "xtick.color": _LINES,
        "ytick.color": _LINES,
    },
]


def overlap_figure(title: str, curves: Mapping[str, np.ndarray]) -> Figure:
    """Curves with their names and means, from 0 to 1 over frames.

    Args:
        title: at the top left.
        curves: up to four, each [F], NaN where there is no value; the first is drawn thick.
    """
    num_frames = len(next(iter(curves.values())))
    with style.context(_STYLE):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.subplots()
        for number, (name, values) in enumerate(curves.items()):
            axes.plot(
                values,
                color=_COLOURS[number],
                linewidth=2.5 if number == 0 else 0.9,
                zorder=3 if number == 0 else 2,
                label=f"{name} {np.nanmean(values):.2f}",
            )
        axes.set(xlim=(0, max(1, num_frames - 1)), ylim=(0, 1), xticks=[])
        axes.grid(axis="x", visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
        axes.set_title(title, loc="left", pad=5)
        axes.set_xlabel(f"{num_frames} frames", loc="right", color=_LINES)
        # Names in the colours of their curves, beside the title.
        legend = axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(curves),
            labelcolor="linecolor",
            handlelength=0,
            handletextpad=0,
            columnspacing=1.4,
        )
        legend.set_in_layout(False)
    return figure


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG, the same bytes for the same figure."""
    with style.context(_STYLE), io.BytesIO() as file:
        figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()
