"""Signatures of a SavedModel, and tensors that fit their inputs."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

# What a dimension other than the batch becomes where the signature leaves it open.
_OPEN_SIZE = 8
_INITIALIZER = "__saved_model_init_op"


def signatures_of(
    meta_graph: meta_graph_pb2.MetaGraphDef,
) -> dict[str, meta_graph_pb2.SignatureDef]:
    """The signatures that can be asked, by name in alphabetical order."""
    return {
        name: meta_graph.signature_def[name]
        for name in sorted(meta_graph.signature_def)
        if name != _INITIALIZER
    }


def describe(array: np.ndarray) -> str:
    """Type and shape, as `float32 [1, 64]`; of strings, which are objects, `string [1]`."""
    return f"{tf.dtypes.as_dtype(array.dtype).name} {list(array.shape)}"


def made_up_input(info: meta_graph_pb2.TensorInfo, batch_size: int) -> np.ndarray:
    """An array that a signature's input takes: normal numbers, zeros for whole numbers, no text.

    Zeros, since whole numbers may be indices.
    """
    sizes = [dim.size for dim in info.tensor_shape.dim]
    shape = [
        size if size >= 0 else _OPEN_SIZE if axis else batch_size for axis, size in enumerate(sizes)
    ]
    dtype = tf.dtypes.as_dtype(info.dtype)
    if dtype == tf.string:
        return np.full(shape, b"", object)
    numbers = np.random.default_rng(0).normal(size=shape) if dtype.is_floating else np.zeros(shape)
    return numbers.astype(dtype.as_numpy_dtype)
