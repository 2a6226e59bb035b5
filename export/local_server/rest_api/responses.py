"""REST answers: tensors, errors, status and metadata as the stock server's JSON text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import numpy as np
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

from export.local_server.rest_api.rapidjson_text import (
    decimal_texts,
    decoded,
    list_text,
    object_text,
    quoted,
)
from export.tensorflow_c.status import StatusError

BYTES_ENDING = "_bytes"


def error_json(message: str) -> str:
    """An error's text as the only member of an object."""
    return object_text([("error", quoted(message))], depth=0)


def _value_texts(name: str, tensor: np.ndarray, depth: int) -> Iterator[str]:
    """Each value as JSON text; strings of an output named `..._bytes` as base64 objects."""
    if tensor.dtype == object:
        if name.endswith(BYTES_ENDING):
            for value in tensor.flat:
                text = base64.b64encode(value).decode("ascii")
                yield object_text([("b64", quoted(text))], depth)
        else:
            yield from (quoted(decoded(value)) for value in tensor.flat)
    elif tensor.dtype in (np.float32, np.float64):
        yield from decimal_texts(tensor)
    elif tensor.dtype == bool:
        yield from ("true" if value else "false" for value in tensor.flat)
    elif tensor.dtype.kind in "iu":
        yield from map(str, tensor.ravel().tolist())
    else:
        raise StatusError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"Failed to write JSON value for tensor type: {tensor.dtype.name}",
        )


def _tensor_text(name: str, tensor: np.ndarray, depth: int, one_line: bool) -> str:
    texts = _value_texts(name, tensor, depth + tensor.ndim)
    return list_text(texts, tensor.shape, depth, one_line)


def rows_json(outputs: Mapping[str, np.ndarray]) -> str:
    """Outputs row by row, under `predictions`.

    Raises:
        StatusError: they have not all the same number of rows.
    """
    rows = None
    for name, tensor in outputs.items():
        if tensor.ndim == 0:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT, f"Tensor name: {name} has no shape information "
            )
        if rows is not None and len(tensor) != rows:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Tensor name: {name} has inconsistent batch size: {len(tensor)} expecting: {rows}",
            )
        rows = len(tensor)
    if not rows:
        return object_text([("predictions", "[]")], depth=0)
    if len(outputs) == 1:
        ((name, tensor),) = outputs.items()
        text = ", ".join(_tensor_text(name, row, 2, one_line=True) for row in _rows(tensor))
        return object_text([("predictions", f"[{text}\n    ]")], depth=0)
    named_rows = (
        object_text(
            [
                (name, _tensor_text(name, row, 3, one_line=True))
                for name, row in zip(outputs, row_of_each, strict=True)
            ],
            depth=2,
        )
        for row_of_each in zip(*(_rows(tensor) for tensor in outputs.values()), strict=True)
    )
    return object_text(
        [("predictions", list_text(named_rows, (rows,), 1, one_line=False))], depth=0
    )


def _rows(tensor: np.ndarray) -> Iterator[np.ndarray]:
    """Each row as an array, of rank 0 where a row is one value."""
    return (tensor[index, ...] for index in range(len(tensor)))


def columns_json(outputs: Mapping[str, np.ndarray]) -> str:
    """Whole outputs, under `outputs`."""
    if len(outputs) == 1:
        ((name, tensor),) = outputs.items()
        text = _tensor_text(name, tensor, 1, one_line=False)
    else:
        members = [
            (name, _tensor_text(name, tensor, 2, one_line=False))
            for name, tensor in outputs.items()
        ]
        text = object_text(members, depth=1)
    return object_text([("outputs", text)], depth=0)


def _in_order(values: Any, descriptor: Descriptor) -> Any:
    """A message's values in the stock server's order: declared order, choices of a oneof last."""
    if not isinstance(values, dict):
        return values
    fields = sorted(
        descriptor.fields, key=lambda field: (field.containing_oneof is not None, field.index)
    )
    ordered = {}
    for field in fields:
        name = next((key for key in (field.name, field.json_name) if key in values), None)
        if name is not None:
            ordered[name] = _field_in_order(values[name], field)
    return ordered


def _field_in_order(value: Any, field: Any) -> Any:
    inner = field.message_type
    if inner is None:
        return value
    if inner.GetOptions().map_entry:
        of_values = inner.fields_by_name["value"]
        return {key: _field_in_order(value[key], of_values) for key in sorted(value)}
    if isinstance(value, list):
        return [_in_order(item, inner) for item in value]
    return _in_order(value, inner)


def _message_json(message: Message, keep_names: bool) -> str:
    values = json_format.MessageToDict(
        message, including_default_value_fields=True, preserving_proto_field_name=keep_names
    )
    ordered = _in_order(values, message.DESCRIPTOR)
    return json.dumps(ordered, indent=1, ensure_ascii=False) + "\n"


def status_json(response: GetModelStatusResponse) -> str:
    """The states of a model's versions."""
    return _message_json(response, keep_names=False)


def metadata_json(response: GetModelMetadataResponse) -> str:
    """Two messages in one object, with the stock server's odd line breaks."""
    signatures = SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return (
        f'{{\n"model_spec":{_message_json(response.model_spec, keep_names=True)},\n'
        f'"metadata": {{"signature_def": {_message_json(signatures, keep_names=True)}}}\n}}\n'
    )
