"""Kernels whose choice is made by the test, whatever the type and the size."""

from psgan_tf.model.ops.kernels import Kernels


class ForcedKernels(Kernels):
    """Uses the forms named, and none of the others."""

    def __init__(self, *, winograd=False, slabs=False, xla=False):
        super().__init__("fast", training=True)
        self._winograd, self._slabs, self._xla = winograd, slabs, xla

    def use_winograd(self, features, kernel, doubled):
        return self._winograd and kernel.shape[0] == 3

    def use_slabs(self, features, kernel):
        return self._slabs and kernel.shape[0] == 3

    def use_xla(self, features):
        return self._xla
