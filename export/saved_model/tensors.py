"""Signatures of a SavedModel, and tensors that fit their inputs."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from export.saved_model.c_api import Tensor

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


def describe(tensor: Tensor) -> str:
    """Type and shape, as `float32 [1, 64]`."""
    return f"{tf.dtypes.as_dtype(tensor.dtype).name} {list(tensor.shape)}"


def made_up_input(info: meta_graph_pb2.TensorInfo, batch_size: int) -> Tensor:
    """A tensor that a signature's input takes: normal numbers, zeros for whole numbers, no text.

    Zeros, since whole numbers may be indices.
    """
    sizes = [dim.size for dim in info.tensor_shape.dim]
    shape = [
        size if size >= 0 else _OPEN_SIZE if axis else batch_size for axis, size in enumerate(sizes)
    ]
    dtype = tf.dtypes.as_dtype(info.dtype)
    if dtype == tf.string:
        return Tensor(info.dtype, tuple(shape), [b""] * int(np.prod(shape)))
    numbers = np.random.default_rng(0).normal(size=shape) if dtype.is_floating else np.zeros(shape)
    return as_tensor(numbers.astype(dtype.as_numpy_dtype))


def as_tensor(array: np.ndarray) -> Tensor:
    """A numpy array of numbers in the form that the C API takes."""
    dtype = tf.dtypes.as_dtype(array.dtype)
    return Tensor(dtype.as_datatype_enum, array.shape, array.tobytes())


def to_proto(tensor: Tensor) -> tensor_pb2.TensorProto:
    """A tensor in the form that requests take."""
    dims = [tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in tensor.shape]
    shape = tensor_shape_pb2.TensorShapeProto(dim=dims)
    values = "tensor_content" if isinstance(tensor.data, bytes) else "string_val"
    return tensor_pb2.TensorProto(dtype=tensor.dtype, tensor_shape=shape, **{values: tensor.data})
