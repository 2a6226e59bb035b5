"""Answers to the requests of both gRPC services."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from export.local_server.models.manager import Manager
from export.local_server.models.predict import DEFAULT_SIGNATURE, invalid, predict
from export.local_server.models.servable import VersionState
from export.tensorflow_c.status import StatusError

METADATA_FIELD = "signature_def"


def _require_spec(request: object) -> None:
    if not request.HasField("model_spec"):  # type: ignore[attr-defined]
        raise invalid("Missing ModelSpec")


def _add_state(response: GetModelStatusResponse, version: int, state: VersionState) -> None:
    status = response.model_version_status.add(version=version, state=state.state)
    status.status.SetInParent()
    if state.error:
        status.status.error_code = state.error.code.value[0]
        status.status.error_message = state.error.message


class RequestHandler:
    """Answers requests from what the manager has loaded.

    Every method raises StatusError, with the code and the text that the stock server would send.

    Args:
        manager: loads the models.
        tensor_limit_bytes: of one tensor in a request.
    """

    def __init__(self, manager: Manager, tensor_limit_bytes: int) -> None:
        self._manager = manager
        self._tensor_limit_bytes = tensor_limit_bytes

    def predict(self, request: PredictRequest, timeout_secs: float | None) -> PredictResponse:
        """PredictionService.Predict; None for the time waits for ever."""
        _require_spec(request)
        with self._manager.use(request.model_spec) as servable:
            return predict(servable, request, timeout_secs, self._tensor_limit_bytes)

    def _signatures(self, model_spec: ModelSpec) -> tuple[int, Mapping[str, SignatureDef]]:
        """The version that a request would meet, and its signatures."""
        with self._manager.use(model_spec) as servable:
            return servable.version, servable.graph.signatures

    def model_metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        """PredictionService.GetModelMetadata."""
        _require_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != METADATA_FIELD:
                raise invalid(f"Metadata field {field} is not supported")
        version, signatures = self._signatures(request.model_spec)
        response = GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        response.metadata[METADATA_FIELD].Pack(SignatureDefMap(signature_def=signatures))
        return response

    def model_status(self, request: GetModelStatusRequest) -> GetModelStatusResponse:
        """ModelService.GetModelStatus."""
        _require_spec(request)
        name = request.model_spec.name
        states = self._manager.board.versions(name)
        if not states:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}"
            )
        if request.model_spec.HasField("version"):
            version = request.model_spec.version.value
            if version not in states:
                raise StatusError(
                    grpc.StatusCode.NOT_FOUND,
                    f"Could not find version {version} of model {name}",
                )
            states = {version: states[version]}
        response = GetModelStatusResponse()
        for version, state in states.items():
            _add_state(response, version, state)
        return response

    def refuse_examples(self, request: object, method: str) -> None:
        """Classify and Regress, which are for signatures of another kind; always raises."""
        _require_spec(request)
        self._refuse_method(request.model_spec, method)  # type: ignore[attr-defined]

    def refuse_multi_inference(self, request: MultiInferenceRequest) -> None:
        """PredictionService.MultiInference; always raises."""
        spec = request.tasks[0].model_spec if request.tasks else ModelSpec()
        self._refuse_method(spec, "MultiInference")

    def _refuse_method(self, spec: ModelSpec, method: str) -> None:
        _, signatures = self._signatures(spec)
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name not in signatures:
            raise invalid(f"No signature was found with the name: {name}")
        if len(signatures[name].inputs) != 1:
            raise invalid("Expected one input Tensor.")
        raise StatusError(
            grpc.StatusCode.UNIMPLEMENTED, f"The local server does not answer {method}."
        )
