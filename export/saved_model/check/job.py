"""Requests to the process that loads a SavedModel for the check, and its replies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Request(NamedTuple):
    """One step of a graph: arrays to feed by tensor name, and names of the tensors to fetch."""

    feeds: dict[str, np.ndarray]
    fetches: list[str]


class Job(NamedTuple):
    """A SavedModel's directory and the steps to run."""

    directory: str
    requests: list[Request]
