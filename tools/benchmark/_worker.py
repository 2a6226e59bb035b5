"""The process that measures one case of our own: `python -m tools.benchmark._worker CASE`."""

from __future__ import annotations

import functools
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from psgan_tf import blocks, layers
from psgan_tf.convolutions import convolve_plain
from psgan_tf.operations import LEAK
from tools.benchmark._cases import Case
from tools.benchmark._convolutions import ConvolutionWork
from tools.benchmark._generation import GenerationWork
from tools.benchmark._training import TrainingWork
from tools.benchmark._turn_taker import Work, serve

_WORKS = {
    "train": TrainingWork,
    "generate": GenerationWork,
    "convolutions": ConvolutionWork,
}


def use_plain_forms() -> None:
    """From here on convolutions and activations of this process are as the paper draws them."""
    layers.convolve = convolve_plain
    layers.PoseConv2D.call_fast = layers.PoseConv2D.call_plain
    blocks.leaky_relu = functools.partial(tf.nn.leaky_relu, alpha=LEAK)


def prepare(fields: dict[str, Any]) -> Work:
    """The work of a case, warmed up."""
    case = Case(**fields)
    if case.form == "plain":
        use_plain_forms()
    return _WORKS[case.subject](case)


if __name__ == "__main__":
    tf.get_logger().setLevel("WARNING")
    serve(prepare)
