"""Curves over the frames of a film."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tools.benchmark.films.figures import BLUE, GREEN, GREY, QUIET, RED, new_figure, styled

_COLOURS = (GREEN, RED, BLUE, GREY)


def overlap_figure(title: str, curves: Mapping[str, np.ndarray]) -> Figure:
    """Curves with their names and means, from 0 to 1 over frames.

    Args:
        title: at the top left.
        curves: up to four, each [F], NaN where there is no value; the first is drawn thick.
    """
    num_frames = len(next(iter(curves.values())))
    with styled():
        figure = new_figure(760, 300)
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
        axes.set_xlabel(f"{num_frames} frames", loc="right", color=QUIET)
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
