"""REST predict requests: JSON in rows (`instances`) or columns (`inputs`) as a PredictRequest.

Checked in the order, and refused in the words, of the stock server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from export.local_server.models.predict import invalid
from export.local_server.rest_api.rapidjson_text import encoded, value_text
from export.local_server.rest_api.tensors import fill, is_base64_object, shape_of, tensor_of
from export.tensorflow_c.status import StatusError

PLAIN_LIST = (
    "{} is a plain {}, but expecting {} as multiple input tensors required as per tensorinfo_map"
)


class _Rows:
    """The values of one input, gathered row by row; all rows have the shape of the first."""

    def __init__(self, dtype: int) -> None:
        self.dtype = dtype
        self.flat: list[Any] = []
        self.shape: tuple[int, ...] | None = None

    def add(self, item: Any) -> None:
        shape = shape_of(item)
        before = len(self.flat)
        fill(item, 0, shape, self.dtype, self.flat)
        if self.shape is None:
            self.shape = shape
        size, expected = len(self.flat) - before, int(np.prod(self.shape))
        if size != expected:
            raise invalid(f"Expecting tensor size: {expected} but got: {size}")
        if shape != self.shape:
            texts = ["[" + ",".join(map(str, sizes)) + "]" for sizes in (self.shape, shape)]
            raise invalid(f"Expecting shape {texts[0]} but got: {texts[1]}")


def _is_element_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64_object(value)


def _add_element(index: int, element: Any, named: bool, rows: Mapping[str, _Rows]) -> None:
    """Adds one element of `instances` to the inputs' rows."""
    start = f"Failed to process element: {index}"
    if not named:
        if _is_element_object(element):
            raise invalid(f"Expecting value/list but got object at item {index} of input list")
        try:
            next(iter(rows.values())).add(element)
        except StatusError as error:
            raise invalid(f"{start} of 'instances' list. Error: {error}") from None
        return
    if not _is_element_object(element):
        raise invalid(f"Expecting object but got list at item {index} of input list")
    for name, item in element.items():
        try:
            if name not in rows:
                raise invalid(f"JSON object: does not have named input: {name}")
            rows[name].add(item)
        except StatusError as error:
            raise invalid(f"{start} key: {name} of 'instances' list. Error: {error}") from None
    if set(element) != set(rows):
        raise invalid(
            f"{start} of 'instances' list. JSON object: {value_text(element)} keys must be equal "
            f"to: {','.join(sorted(rows))}",
        )


def _fill_from_instances(
    instances: list[Any], infos: Mapping[str, TensorInfo], request: PredictRequest
) -> None:
    if not isinstance(instances[0], dict) and len(infos) > 1:
        raise invalid(PLAIN_LIST.format("instances", "list", "list of objects"))
    rows = {name: _Rows(infos[name].dtype) for name in sorted(infos)}
    named = _is_element_object(instances[0])
    for index, element in enumerate(instances):
        _add_element(index, element, named, rows)
    for name, values in rows.items():
        shape = (len(instances), *(values.shape or ()))
        request.inputs[name].CopyFrom(tensor_of(values.flat, shape, values.dtype))


def _fill_from_inputs(
    inputs: Any, infos: Mapping[str, TensorInfo], request: PredictRequest
) -> None:
    if not isinstance(inputs, dict) or is_base64_object(inputs):
        if len(infos) > 1:
            raise invalid(PLAIN_LIST.format("inputs", "value/list", "an object"))
        inputs = {next(iter(infos)): inputs}
    for name in sorted(infos):
        if name not in inputs:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        shape = shape_of(inputs[name])
        flat: list[Any] = []
        fill(inputs[name], 0, shape, infos[name].dtype, flat)
        request.inputs[name].CopyFrom(tensor_of(flat, shape, infos[name].dtype))


def fill_request(
    document: Mapping[str, Any],
    request: PredictRequest,
    inputs_of: Callable[[str], Mapping[str, TensorInfo]],
) -> bool:
    """Fills signature and inputs into a request whose model is set already.

    Args:
        document: the parsed body.
        inputs_of: the inputs of a signature, whose name is empty for the default one.

    Returns:
        Whether the request, and so its answer, is in rows.

    Raises:
        StatusError: INVALID_ARGUMENT, with the stock server's text; or what `inputs_of` raises.
    """
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise invalid(
            f"JSON Value: {value_text(document)} not formatted correctly. 'signature_name' key "
            "must be a string value.",
        )
    request.model_spec.signature_name = encoded(signature).decode("utf-8", "replace")
    infos = inputs_of(request.model_spec.signature_name)
    if not infos:
        raise invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
    in_rows = "instances" in document
    if not in_rows and "inputs" not in document:
        raise invalid("Missing 'inputs' or 'instances' key")
    fault = _format_fault(document)
    if fault:
        raise invalid(f"JSON Value: {value_text(document)} {fault}")
    if in_rows:
        _fill_from_instances(document["instances"], infos, request)
    else:
        _fill_from_inputs(document["inputs"], infos, request)
    return in_rows


def _format_fault(document: Mapping[str, Any]) -> str | None:
    if "instances" not in document:
        return None
    if "inputs" in document:
        return (
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if not isinstance(document["instances"], list):
        return "Excepting 'instances' to be an list/array"
    return None if document["instances"] else "No values in 'instances' array"
