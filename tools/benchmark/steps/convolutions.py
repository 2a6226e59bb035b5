"""Best rate at which this machine convolves: the measure that whole steps are held against.

The shapes are those of the stage's own 3 x 3 convolutions, each forward and as the gradients of
its input and of its filter. All are tried once; the fastest few then take turns with the steps,
so that other work on the machine slows them as it slows those.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.ops.devices import peak_memory_gib
from tools.benchmark.steps.cases import Case

_TAPS = 9
# Of the fastest at the first try, how many are tried again at each turn.
_LEADERS = 3


def convolution_shapes(network: NetworkConfig, resolution: int) -> list[tuple[int, int, int]]:
    """The 3 x 3 convolutions of both networks up to a resolution, pose planes left out.

    Returns:
        Distinct (pixels on a side, input maps, output maps), the largest pictures first.
    """
    shapes = set()
    for n in network.resolutions:
        if n <= resolution:
            maps, coarser = network.feature_maps(n), network.feature_maps(max(4, n // 2))
            shapes |= {(n, coarser, maps), (n, maps, maps), (n, maps, coarser)}
    return sorted(shapes, reverse=True)


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution that can be run.

    Args:
        name: for instance `64 x 64, 512 to 256, filter gradient`.
        flop: operations of one call.
        call: runs it.
    """

    name: str
    flop: int
    call: Callable[[], Any]

    def rate(self) -> float:
        """Operations a second of one call."""
        start = time.perf_counter()
        self.call()
        tf.test.experimental.sync_devices()
        return self.flop / (time.perf_counter() - start)


def convolutions_of(batch: int, shape: tuple[int, int, int], dtype: str) -> list[Convolution]:
    """A shape's convolution forward, and the gradients of its input and its filter.

    Args:
        batch: pictures.
        shape: see `convolution_shapes`.
        dtype: `float32` or `bfloat16`.
    """
    n, inputs, outputs = shape
    size, kernel_size = [batch, n, n, inputs], [3, 3, inputs, outputs]
    features = tf.cast(tf.random.stateless_normal(size, [0, 0]), dtype)
    kernel = tf.cast(tf.random.stateless_normal(kernel_size, [0, 1]), dtype)
    results = tf.cast(tf.random.stateless_normal([batch, n, n, outputs], [0, 2]), dtype)
    given = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    forms = {
        "forward": lambda: tf.nn.conv2d(features, kernel, **given),
        "input gradient": lambda: tf.raw_ops.Conv2DBackpropInput(
            input_sizes=size, filter=kernel, out_backprop=results, **given
        ),
        "filter gradient": lambda: tf.raw_ops.Conv2DBackpropFilter(
            input=features, filter_sizes=kernel_size, out_backprop=results, **given
        ),
    }
    flop = 2 * _TAPS * n * n * inputs * outputs * batch
    label = f"{n} x {n}, {inputs} to {outputs}"
    return [Convolution(f"{label}, {form}", flop, call) for form, call in forms.items()]


class ConvolutionWork:
    """The fastest convolutions of a stage.

    Args:
        case: the stage.
    """

    def __init__(self, case: Case) -> None:
        ranking: list[tuple[float, Convolution]] = []
        for shape in convolution_shapes(case.network, case.resolution):
            for convolution in convolutions_of(case.batch, shape, case.precision):
                convolution.rate()  # the first call prepares
                ranking.append((convolution.rate(), convolution))
            # Only leaders keep their tensors.
            ranking = sorted(ranking, key=lambda pair: -pair[0])[:_LEADERS]
        self._leaders = [convolution for _, convolution in ranking]

    def step(self) -> dict[str, Any]:
        """One call of each leader."""
        return {"gflops": {leader.name: 1e-9 * leader.rate() for leader in self._leaders}}

    def end(self) -> dict[str, Any]:
        """Memory."""
        return {"peak_gib": peak_memory_gib()}
