"""Prediction for a PredictRequest: the stock server's checks, in its order, in its words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import grpc
import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from export.local_server.models.servable import Servable
from export.local_server.models.tensors import array_from_proto, fill_proto
from export.tensorflow_c.status import StatusError

DEFAULT_SIGNATURE = "serving_default"


def invalid(message: str) -> StatusError:
    """The error of most requests that are wrong."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _signature_of(signatures: Mapping[str, SignatureDef], name: str) -> SignatureDef:
    """The signature of that name.

    Raises:
        StatusError: there is none.
    """
    if name not in signatures:
        raise StatusError(
            grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
        )
    return signatures[name]


def _listed(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _check_inputs(signature: SignatureDef, given: set[str]) -> None:
    """Refuses missing and additional inputs; those with a default may be missing."""
    wanted = set(signature.inputs)
    filled = given | (set(signature.defaults) & wanted)
    if len(filled) != len(wanted):
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({_listed(given)}) != len({_listed(wanted)}). "
            f"Sent extra: {_listed(given - wanted)}. "
            f"Missing but required: {_listed(wanted - filled)}."
        )
    for alias in sorted(wanted - filled):
        raise invalid(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not found "
            f"in request and no default value provided. Inputs expected to be in the request "
            f"{_listed(given)}, or default input alias set: {','.join(sorted(signature.defaults))}"
        )


def _feeds_of(
    signature: SignatureDef, request: PredictRequest, limit_bytes: int
) -> dict[str, np.ndarray]:
    """The request's tensors by the names of the graph.

    Raises:
        StatusError: they are not those of the signature, or one cannot be read.
    """
    _check_inputs(signature, set(request.inputs))
    feeds = {}
    for alias in sorted(signature.inputs):
        sent = request.inputs if alias in request.inputs else signature.defaults
        try:
            feeds[signature.inputs[alias].name] = array_from_proto(sent[alias], limit_bytes)
        except ValueError:
            raise invalid(f"tensor parsing error: {alias}") from None
    return feeds


def _wanted_outputs(signature: SignatureDef, output_filter: Iterable[str]) -> list[str]:
    """Aliases of the outputs to answer with: those of the filter, else all.

    Raises:
        StatusError: the filter names an unknown output, or one twice.
    """
    chosen: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_listed(signature.outputs)}."
            )
        if alias in chosen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        chosen.append(alias)
    return chosen or sorted(signature.outputs)


def predict(
    servable: Servable, request: PredictRequest, timeout_secs: float | None, limit_bytes: int
) -> PredictResponse:
    """Runs one request on one version of a model.

    Args:
        servable: the version, whatever the request's model_spec says.
        timeout_secs: None waits for ever.
        limit_bytes: of one tensor of the request.

    Raises:
        StatusError: see the cases in tests/export/local_server/serving_cases/.
    """
    signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = _signature_of(servable.graph.signatures, signature_name)
    feeds = _feeds_of(signature, request, limit_bytes)
    aliases = _wanted_outputs(signature, request.output_filter)
    fetches = [signature.outputs[alias].name for alias in aliases]
    arrays = servable.graph.run(feeds, fetches, timeout_secs)
    response = PredictResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.model_spec.signature_name = signature_name
    for alias, array in zip(aliases, arrays, strict=True):
        fill_proto(response.outputs[alias], array)
    return response
