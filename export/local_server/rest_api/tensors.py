"""Values of a JSON document as tensors, refused as by the stock server where they do not fit."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import grpc
import numpy as np
from tensorflow.core.framework import tensor_pb2, types_pb2

from export.local_server.rest_api.rapidjson_text import FLOAT_MAX, encoded, type_name, value_text
from export.tensorflow_c.status import StatusError

INVALID = grpc.StatusCode.INVALID_ARGUMENT

_FLOATS = {types_pb2.DT_FLOAT: (np.float32, 24), types_pb2.DT_DOUBLE: (np.float64, 53)}
# The range that a JSON number must have, which is wider than that of the small types.
_INT32 = (-(2**31), 2**31)
_INTEGERS = {
    types_pb2.DT_INT8: (np.int8, _INT32),
    types_pb2.DT_UINT8: (np.uint8, _INT32),
    types_pb2.DT_INT16: (np.int16, _INT32),
    types_pb2.DT_INT32: (np.int32, _INT32),
    types_pb2.DT_INT64: (np.int64, (-(2**63), 2**63)),
    types_pb2.DT_UINT32: (np.uint32, (0, 2**32)),
    types_pb2.DT_UINT64: (np.uint64, (0, 2**64)),
}


def _type_text(dtype: int) -> str:
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()


def _type_error(value: Any, dtype: int) -> StatusError:
    return StatusError(
        INVALID,
        f"JSON Value: {value_text(value)} Type: {type_name(value)} is not of expected type: "
        f"{_type_text(dtype)}",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: Any, dtype: int) -> float:
    if not _is_number(value):
        raise _type_error(value, dtype)
    is_whole = isinstance(value, int) and -(2**63) <= value < 2**64
    if is_whole:
        lossless = abs(value) < 2 ** _FLOATS[dtype][1]
    else:
        largest = FLOAT_MAX if dtype == types_pb2.DT_FLOAT else float(np.finfo(np.float64).max)
        lossless = abs(value) <= largest or value in (float("inf"), -float("inf")) or value != value
    if not lossless:
        raise StatusError(
            INVALID,
            f"Cannot convert JSON value: {value_text(value)} to {_type_text(dtype)} without loss "
            "of precision.",
        )
    return float(value)


def is_base64_object(value: Any) -> bool:
    """Whether a JSON value stands for bytes: `{"b64": "..."}`."""
    return isinstance(value, dict) and list(value) == ["b64"] and isinstance(value["b64"], str)


def _string(value: Any, dtype: int) -> bytes:
    if isinstance(value, str):
        return encoded(value)
    if not isinstance(value, dict):
        raise _type_error(value, dtype)
    if not is_base64_object(value):
        raise StatusError(
            INVALID, f"JSON Value: {value_text(value)} not formatted correctly for base64 data"
        )
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise StatusError(INVALID, "Unable to base64 decode") from None


def _scalar(value: Any, dtype: int) -> Any:
    """One value of a tensor. Raises where it is of another type, or does not fit."""
    if dtype == types_pb2.DT_STRING:
        return _string(value, dtype)
    if isinstance(value, dict):
        raise _type_error(value, dtype)
    if dtype in _FLOATS:
        return _float(value, dtype)
    if dtype in _INTEGERS:
        least, end = _INTEGERS[dtype][1]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < end:
            raise _type_error(value, dtype)
        return value
    if dtype == types_pb2.DT_BOOL:
        if not isinstance(value, bool):
            raise _type_error(value, dtype)
        return value
    raise StatusError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"Conversion of JSON Value: {value_text(value)} to type: {_type_text(dtype)}",
    )


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape that nested lists seem to have by their first elements."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def fill(value: Any, level: int, shape: tuple[int, ...], dtype: int, flat: list[Any]) -> None:
    """Appends the values of nested lists in row-major order; all lists must fit the shape."""
    if not isinstance(value, list):
        if level != len(shape):
            raise StatusError(
                INVALID,
                f"JSON Value: {value_text(value)} found at incorrect level: {level + 1} in the "
                f"JSON DOM. Expected at level: {len(shape)}",
            )
        flat.append(_scalar(value, dtype))
        return
    if level >= len(shape):
        raise StatusError(
            INVALID, f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise StatusError(
            INVALID,
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: "
            f"{shape[level]}",
        )
    for item in value:
        fill(item, level + 1, shape, dtype, flat)


def tensor_of(flat: list[Any], shape: tuple[int, ...], dtype: int) -> tensor_pb2.TensorProto:
    """A tensor of values that `fill` has gathered; integers too large for a small type wrap."""
    tensor = tensor_pb2.TensorProto(dtype=dtype)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    if dtype == types_pb2.DT_STRING:
        tensor.string_val.extend(flat)
    elif dtype == types_pb2.DT_BOOL:
        tensor.tensor_content = np.array(flat, np.bool_).tobytes()
    elif dtype in _FLOATS:
        tensor.tensor_content = np.array(flat, _FLOATS[dtype][0]).tobytes()
    else:
        wide = np.array(flat, np.uint64 if dtype == types_pb2.DT_UINT64 else np.int64)
        tensor.tensor_content = wide.astype(_INTEGERS[dtype][0]).tobytes()
    return tensor
