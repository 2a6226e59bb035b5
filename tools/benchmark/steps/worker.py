"""The process that measures one case of our own: `python -m tools.benchmark.steps.worker CASE`."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from tools.benchmark.steps.cases import Case
from tools.benchmark.steps.convolutions import ConvolutionWork
from tools.benchmark.steps.generation import GenerationWork
from tools.benchmark.steps.training import TrainingWork
from tools.benchmark.turns.turn_taker import TURN_SECS, Work, serve

_WORKS = {
    "train": TrainingWork,
    "generate": GenerationWork,
    "convolutions": ConvolutionWork,
}


def prepare(fields: dict[str, Any]) -> Work:
    """The work of a case, warmed up."""
    case = Case(**fields)
    return _WORKS[case.subject](case)


if __name__ == "__main__":
    tf.get_logger().setLevel("WARNING")
    serve(prepare, TURN_SECS)
