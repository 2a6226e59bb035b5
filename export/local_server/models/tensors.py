"""TensorProtos to arrays and back, in the forms the stock server reads and writes.

It answers in the typed fields (`float_val`, `int_val`, ...), never in `tensor_content`. A
repeated field filled value by value takes seconds for a picture, so the field's bytes are made
with numpy, and protobuf parses them.
"""

from __future__ import annotations

import math

import numpy as np
from tensorflow.core.framework.tensor_pb2 import TensorProto

from export.tensorflow_c.library import (
    NUMPY_TYPES,
    STRING,
    TYPE_NUMBERS,
    array_of,
    borrowed_buffer,
    checked_status,
    library,
)
from export.tensorflow_c.status import StatusError

MAX_DIMENSIONS = 254  # TensorFlow's own
TEXT_BYTES = 64  # what an empty text costs in Python, about
_HALF_VAL, _INT_VAL = 13, 7
# Fields of packed little-endian numbers: tensor.proto's number, and what one value is there.
_FIXED_FIELDS = {
    "float32": (5, "<f4"),
    "float64": (6, "<f8"),
    "complex64": (9, "<f4"),
    "complex128": (12, "<f8"),
    "bool": (11, "|u1"),
}
# Fields of packed varints. The 16-bit floats go as their bits.
_VARINT_FIELDS = {
    "int8": _INT_VAL,
    "uint8": _INT_VAL,
    "int16": _INT_VAL,
    "uint16": _INT_VAL,
    "int32": _INT_VAL,
    "int64": 10,
    "float16": _HALF_VAL,
    "bfloat16": _HALF_VAL,
    "uint32": 16,
    "uint64": 17,
}
_LENGTH_DELIMITED = 2  # protobuf's wire type


def array_from_proto(proto: TensorProto, limit_bytes: int) -> np.ndarray:
    """The array that a TensorProto holds, in whichever field.

    Fewer values than the shape has elements are filled up with the last, as TensorFlow does.

    Args:
        limit_bytes: of the array; a shape costs its sender nothing, and memory here.

    Raises:
        ValueError: shape, type and content do not fit, or the array would be above the limit.
    """
    dtype = NUMPY_TYPES.get(proto.dtype)
    sizes = tuple(dimension.size for dimension in proto.tensor_shape.dim)
    if dtype is None or len(sizes) > MAX_DIMENSIONS or any(size < 0 for size in sizes):
        raise ValueError("The tensor has no known type, or no known shape.")
    elements = math.prod(sizes)
    if elements * (TEXT_BYTES if proto.dtype == STRING else dtype.itemsize) > limit_bytes:
        raise ValueError(f"The tensor is larger than {limit_bytes} bytes.")
    if elements == 0:
        return np.empty(sizes, dtype)
    content = proto.tensor_content
    if not content or proto.dtype == STRING:
        return _parsed(proto).reshape(sizes)
    if len(content) != elements * dtype.itemsize:
        raise ValueError("The tensor's content has another size than its shape.")
    return np.frombuffer(content, dtype).reshape(sizes)


def _parsed(proto: TensorProto) -> np.ndarray:
    """TensorFlow's own reading of the typed fields."""
    tf = library()
    data = proto.SerializeToString()
    tensor = tf.TF_AllocateTensor(proto.dtype, None, 0, 24)
    try:
        with checked_status() as status:
            tf.TF_TensorFromProto(borrowed_buffer(data), tensor, status)
        return array_of(tensor)
    except StatusError as error:
        raise ValueError(error.message) from None
    finally:
        tf.TF_DeleteTensor(tensor)


def varints(values: np.ndarray) -> bytes:
    """Unsigned integers as protobuf's varints, one after the other.

    For instance 1 and 300: the bytes 01, and ac 02.
    """
    columns = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    groups = np.empty((values.size, columns), np.uint8)
    kept = np.ones((values.size, columns), np.bool_)
    rest = values.ravel()
    for column in range(columns):
        groups[:, column] = rest & 0x7F
        rest = rest >> 7
        more = rest != 0
        if column + 1 < columns:
            groups[:, column] |= more.astype(np.uint8) << 7
            kept[:, column + 1] = more
    return groups[kept].tobytes()


def _unsigned(array: np.ndarray) -> np.ndarray:
    """Values as their varints encode them; negative ones as 64-bit two's complement."""
    if array.dtype.name in ("float16", "bfloat16"):
        return array.view(np.uint16)
    if array.dtype.kind == "u":
        return array
    return array.astype(np.int64).view(np.uint64)


def fill_proto(proto: TensorProto, array: np.ndarray) -> None:
    """Fills an empty TensorProto with an array: its values in the typed field of its dtype.

    Args:
        proto: an empty one.
        array: of any shape, of a dtype that TensorFlow has; texts are bytes in an object array.

    Raises:
        KeyError: TensorFlow has no such dtype.
    """
    proto.dtype = TYPE_NUMBERS[array.dtype]
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        proto.string_val.extend(array.ravel())
        return
    contiguous = np.ascontiguousarray(array)
    if array.dtype.name in _FIXED_FIELDS:
        field, stored = _FIXED_FIELDS[array.dtype.name]
        data = contiguous.view(stored).tobytes() if array.size else b""
    else:
        field = _VARINT_FIELDS[array.dtype.name]
        data = varints(_unsigned(contiguous))
    if data:
        tag = field << 3 | _LENGTH_DELIMITED
        head = varints(np.array([tag], np.uint64)) + varints(np.array([len(data)], np.uint64))
        proto.MergeFromString(head + data)
