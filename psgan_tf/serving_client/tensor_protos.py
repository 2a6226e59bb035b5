"""Tensors as TensorFlow Serving sends them, and what a served model says of its signatures.

A server of version 2.15 answers in the typed fields of a TensorProto (`float_val`, `int_val`,
`string_val`), later ones may use `tensor_content`; both are read here. The server compares no
shapes with the signature, so `check_inputs` does that before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataResponse,
    SignatureDefMap,
)

METADATA_FIELD = "signature_def"
_INIT_SIGNATURE = "__saved_model_init_op"


@dataclass(frozen=True)
class TensorSpec:
    """What a signature says of an input or output.

    Attributes:
        dtype: TensorFlow's name of it, for instance `float32` or `string`.
        shape: sizes, None for an axis of any size; None where the rank is free too.
    """

    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype} of any shape"
        sizes = ["N" if size is None else str(size) for size in self.shape]
        return f"{self.dtype} [{', '.join(sizes)}]"


@dataclass(frozen=True)
class Signature:
    """One of the functions of a served model: its inputs and outputs by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


def _spec(info: TensorInfo) -> TensorSpec:
    dtype = tf.dtypes.as_dtype(info.dtype).name
    if info.tensor_shape.unknown_rank:
        return TensorSpec(dtype, None)
    sizes = [dim.size for dim in info.tensor_shape.dim]
    return TensorSpec(dtype, tuple(None if size < 0 else size for size in sizes))


def _signature(definition: SignatureDef) -> Signature:
    return Signature(
        {name: _spec(info) for name, info in sorted(definition.inputs.items())},
        {name: _spec(info) for name, info in sorted(definition.outputs.items())},
    )


def read_signatures(response: GetModelMetadataResponse) -> dict[str, Signature]:
    """The signatures in an answer to GetModelMetadata, by name."""
    signatures = SignatureDefMap()
    response.metadata[METADATA_FIELD].Unpack(signatures)
    return {
        name: _signature(definition)
        for name, definition in sorted(signatures.signature_def.items())
        if name != _INIT_SIGNATURE
    }


def signature_lines(signatures: Mapping[str, Signature]) -> list[str]:
    """Signatures with their inputs and outputs as text for people."""
    lines = []
    for name, signature in signatures.items():
        lines.append(name)
        lines += [f"  in   {tensor}: {spec}" for tensor, spec in signature.inputs.items()]
        lines += [f"  out  {tensor}: {spec}" for tensor, spec in signature.outputs.items()]
    return lines


# ------------------------------------------------------------------------------------------------
# What is sent.


def _check_names(signature: Signature, inputs: Mapping[str, Any]) -> None:
    if set(inputs) != set(signature.inputs):
        raise ValueError(
            f"`inputs` must be {', '.join(signature.inputs)}. "
            f"Received: {', '.join(inputs) or 'none'}. Name them as the signature does."
        )


def _check_input(name: str, spec: TensorSpec, array: Any) -> None:
    if not isinstance(array, np.ndarray):
        raise ValueError(
            f"`{name}` must be a NumPy array. Received: {type(array).__name__}. "
            f"Convert it: np.asarray(..., {spec.dtype!r})."
        )
    try:
        dtype = tf.dtypes.as_dtype(array.dtype).name
    except TypeError:
        dtype = str(array.dtype)
    if dtype != spec.dtype:
        raise ValueError(
            f"`{name}` must be {spec}. Received: {dtype} {list(array.shape)}. "
            f"Convert it with .astype({spec.dtype!r})."
        )
    fits = spec.shape is None or (
        len(spec.shape) == array.ndim
        and all(
            size is None or size == given
            for size, given in zip(spec.shape, array.shape, strict=True)
        )
    )
    if not fits:
        raise ValueError(
            f"`{name}` must be {spec}. Received: shape {list(array.shape)}. "
            "The model was exported for inputs of that shape alone."
        )


def check_inputs(signature: Signature, inputs: Mapping[str, Any]) -> None:
    """Refuses inputs that the signature does not take, naming the first that is wrong.

    Raises:
        ValueError: a name is missing or unknown, a dtype or shape differs from the signature's, or
            the inputs have different batch sizes.
    """
    _check_names(signature, inputs)
    for name, spec in signature.inputs.items():
        _check_input(name, spec, inputs[name])
    batch_sizes = {name: len(array) for name, array in inputs.items() if array.ndim}
    if len(set(batch_sizes.values())) > 1:
        sizes = ", ".join(f"{name} {size}" for name, size in batch_sizes.items())
        raise ValueError(
            f"`inputs` must have one batch size. Received: {sizes}. "
            "Give each input one row for each picture."
        )


def to_proto(array: np.ndarray) -> TensorProto:
    """An array as it is sent: numbers by `tensor_content`, in a copy of their bytes."""
    return tf.make_tensor_proto(array)


# ------------------------------------------------------------------------------------------------
# What comes back.


def from_proto(proto: TensorProto) -> np.ndarray:
    """A tensor of an answer, in whichever field its values are; strings as bytes objects.

    Raises:
        ValueError: the values do not fill the shape.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    dtype = tf.dtypes.as_dtype(proto.dtype)
    try:
        if dtype == tf.string and len(proto.string_val) == np.prod(shape, dtype=np.int64):
            values = np.empty(len(proto.string_val), object)
            values[:] = list(proto.string_val)
            return values.reshape(shape)
        if proto.tensor_content and dtype != tf.string:
            return np.frombuffer(proto.tensor_content, dtype.as_numpy_dtype).reshape(shape)
        # In C++: 7 ms for the 3 million floats that tf.make_ndarray takes 100 ms for.
        return tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    except (ValueError, tf.errors.InvalidArgumentError):
        raise ValueError(
            f"`tensor` must hold values for its shape {shape}. Received: {proto.ByteSize()} bytes "
            f"of {dtype.name}. The answer is damaged; ask again."
        ) from None


def parse_serialized(tensor: bytes) -> np.ndarray:
    """What `tf.io.serialize_tensor` made bytes of, without another copy of its values.

    Raises:
        ValueError: the bytes are none of that kind.
    """
    proto = TensorProto()
    try:
        proto.ParseFromString(tensor)
    except Exception as error:  # protobuf's DecodeError has no fixed place to import it from
        raise ValueError(
            f"`tensor` must be a serialized tensor. Received: {len(tensor)} bytes ({error}). "
            "Ask for the output of `images_serialized`."
        ) from None
    return from_proto(proto)
