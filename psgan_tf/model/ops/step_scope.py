"""What layers may do inside a training step only.

There the batch is large and its size known, so that forms of a convolution pay that first work on
the kernel. And the discriminator is called three times: what it makes of its weights alone, their
scaled kernels and what stands in for them, is made once.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Any

_here = threading.local()  # replicas are traced in threads of their own


@contextlib.contextmanager
def training_scope() -> Iterator[None]:
    """Within this, `shared` makes each tensor once. All calls must be in one graph."""
    before = getattr(_here, "tensors", None)
    _here.tensors = {}
    try:
        yield
    finally:
        _here.tensors = before


def in_training_scope() -> bool:
    """Whether this is called within `training_scope`."""
    return getattr(_here, "tensors", None) is not None


def shared(key: Hashable, make: Callable[[], Any]) -> Any:
    """What `make` returns, or returned when the key was met before within `training_scope`."""
    if not in_training_scope():
        return make()
    if key not in _here.tensors:
        _here.tensors[key] = make()
    return _here.tensors[key]
