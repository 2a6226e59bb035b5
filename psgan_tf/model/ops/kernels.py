"""Choice of the form in which each operation is computed.

All forms are rearrangements of the same sums, each tested against the plain one. Which of them is
fastest depends on the device, the sizes, and whether a training step computes: there the batch is
large and its size known, so that forms pay that first work on the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import tensorflow as tf

from psgan_tf.model.ops.devices import on_processors

FORMS = ("plain", "fast")

# Where Winograd's form was found to win: by the results of one call, channels in and out, and the
# size in pixels, since its lines cost more per pixel the longer they are.
WINOGRAD_FROM_RESULTS = 1024
WINOGRAD_FROM_CHANNELS = 192
WINOGRAD_UP_TO_PX = 64
# Where filter gradients in slabs of rows were found to win: smaller pictures lie in the cache.
SLAB_ROWS = 32
SLABS_FROM_PX = 128
# Numbers of a map from which on XLA's passes win: below, starting what was compiled costs more.
XLA_FROM_NUMBERS = 2**22


class Kernels:
    """The forms that one call of a network uses, and what it makes of weights once.

    Args:
        form: `plain` for TensorFlow's own operations, as the papers write them down, or `fast`.
        training: whether a training step computes. Make one object per step and replica then: the
            discriminator is called three times in it, and shares what it makes of its weights.

    Raises:
        ValueError: `form` is not one of `FORMS`.
    """

    def __init__(self, form: str = "fast", *, training: bool = False):
        if form not in FORMS:
            raise ValueError(
                f"`kernels` must be one of {', '.join(FORMS)}. Received: kernels={form!r}."
            )
        self.fast = form == "fast"
        self.training = training
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returns; in a training step, what it returned for this key before.

        Args:
            key: names what is made.
            make: makes a tensor from weights alone, in the graph of the step.
        """
        if not self.training:
            return make()
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def use_winograd(self, features: tf.Tensor, kernel: tf.Tensor, doubled: bool) -> bool:
        """Whether a 3 x 3 convolution is computed by Winograd's minimal filtering.

        Generation goes without: its batches are small, and a server's graph and a program's must
        round alike.

        Args:
            features: [B, H, W, C].
            kernel: [K, K, C, F].
            doubled: whether the features are doubled in both directions first.
        """
        if not self._trains_on_processors(features, tf.float32) or kernel.shape[0] != 3:
            return False
        batch, height, width, channels = features.shape
        if doubled:
            height, width = 2 * height, 2 * width
        return (
            batch is not None
            and height % 4 == width % 4 == 0
            and max(height, width) <= WINOGRAD_UP_TO_PX
            and batch * height * width >= WINOGRAD_FROM_RESULTS
            and min(channels, kernel.shape[3]) >= WINOGRAD_FROM_CHANNELS
        )

    def use_slabs(self, features: tf.Tensor, kernel: tf.Tensor) -> bool:
        """Whether filter gradients are summed over slabs of `SLAB_ROWS` rows.

        Args:
            features: [B, H, W, C].
            kernel: [K, K, C, F].
        """
        height = features.shape[1]
        return (
            self._trains_on_processors(features, tf.bfloat16)
            and kernel.shape[0] == 3
            and height is not None
            and height >= SLABS_FROM_PX
            and height % SLAB_ROWS == 0
        )

    def use_xla(self, features: tf.Tensor) -> bool:
        """Whether passes over feature maps are compiled into one; never in exported models."""
        if not self._trains_on_processors(features, tf.bfloat16):
            return False
        numbers = features.shape.num_elements()
        return numbers is not None and numbers >= XLA_FROM_NUMBERS

    def use_euclidean_norm(self, features: tf.Tensor) -> bool:
        """Whether squares are summed by a form that is fast in bfloat16 and rounds its sum.

        It is no good for training, whose gradients would keep what it spreads.
        """
        alone = self.fast and not self.training
        return alone and features.dtype == tf.bfloat16 and on_processors()

    def _trains_on_processors(self, features: tf.Tensor, dtype: tf.DType) -> bool:
        return self.fast and self.training and features.dtype == dtype and on_processors()


PLAIN = Kernels("plain")
# For pictures alone: what programs draw with and exported models hold.
FAST = Kernels("fast")
