"""What the REST port answers, as the stock server: predict, model status, metadata, metrics."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import grpc
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from export.local_server.interfaces import Core
from export.local_server.metrics.prometheus import Metrics
from export.local_server.models.predict import DEFAULT_SIGNATURE, invalid
from export.local_server.models.tensors import array_from_proto
from export.local_server.rest_api.rapidjson_text import encoded, parse
from export.local_server.rest_api.requests import fill_request
from export.local_server.rest_api.responses import (
    columns_json,
    error_json,
    metadata_json,
    rows_json,
    status_json,
)
from export.tensorflow_c.status import StatusError

DEFAULT_TIMEOUT_SECS = 30.0
MOST_VERSION = 2**63 - 1

JSON = "application/json"
_API = re.compile(r"/v1/.*", re.IGNORECASE)
_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<verb>classify|regress|predict)",
    re.IGNORECASE | re.ASCII,
)
_STATUS = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<verb>metadata))?",
    re.IGNORECASE | re.ASCII,
)
_NOT_FOUND_PAGE = (
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n"
    "</BODY></HTML>\n"
)
# Which HTTP status a code is answered with; 500 for the others.
_HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
_LOG = logging.getLogger(__name__)


def _model_spec(found: Mapping[str, str | None]) -> ModelSpec:
    """The model that a path names."""
    spec = ModelSpec(name=unquote(found["name"] or ""))
    if found["version"]:
        version = int(found["version"][:20])
        if version > MOST_VERSION:
            raise invalid(f"Failed to convert version: {found['version']} to numeric.")
        spec.version.value = version
    if found["label"]:
        spec.version_label = unquote(found["label"])
    return spec


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    http_status: int
    body: bytes
    content_type: str = JSON


class RestApi:
    """Answers HTTP requests, without the network: from method, path and body to an `Answer`.

    Args:
        core: answers what REST and gRPC have in common.
        metrics: counts requests, and is what the metrics' path shows.
        metrics_path: None where metrics are not to be had.
        timeout_secs: of a predict request.
    """

    def __init__(
        self,
        core: Core,
        metrics: Metrics,
        metrics_path: str | None = None,
        timeout_secs: float = DEFAULT_TIMEOUT_SECS,
    ) -> None:
        self._core = core
        self._metrics = metrics
        self._metrics_path = metrics_path
        self._timeout_secs = timeout_secs

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Never raises: an error is an answer too."""
        if path == self._metrics_path:
            return Answer(200, self._metrics.text().encode(), "text/plain")
        if not _API.fullmatch(path):
            return Answer(404, _NOT_FOUND_PAGE.encode(), "text/html")
        try:
            text = self._api_text(method, path, body)
        except StatusError as error:
            return Answer(_HTTP_STATUS.get(error.code, 500), encoded(error_json(error.message)))
        except Exception as error:
            _LOG.exception("%s %s failed", method, path)
            return Answer(500, encoded(error_json(f"{type(error).__name__}: {error}")))
        return Answer(200, encoded(text))

    def _api_text(self, method: str, path: str, body: bytes) -> str:
        if method == "POST" and (found := _PREDICT.fullmatch(path)):
            return self._counted_predict(_model_spec(found.groupdict()), found["verb"], body)
        if method == "GET" and (found := _STATUS.fullmatch(path)):
            spec = _model_spec(found.groupdict())
            if not spec.name:
                raise invalid("Missing model name in request.")
            if not found["verb"]:
                return status_json(self._core.model_status(GetModelStatusRequest(model_spec=spec)))
            request = GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
            return metadata_json(self._core.model_metadata(request))
        raise invalid(f"Malformed request: {method} {path}")

    def _counted_predict(self, spec: ModelSpec, verb: str, body: bytes) -> str:
        begun = time.monotonic()
        code_name = "UNKNOWN"
        try:
            if verb != "predict":
                raise StatusError(
                    grpc.StatusCode.UNIMPLEMENTED, f"The stand-in has no {verb}; it has predict."
                )
            text = self._predict(spec, body)
            code_name = "OK"
        except StatusError as error:
            code_name = error.code.name
            raise
        finally:
            self._metrics.request_finished(
                spec.name, verb, "REST", code_name, time.monotonic() - begun
            )
        return text

    def _predict(self, spec: ModelSpec, body: bytes) -> str:
        request = PredictRequest(model_spec=spec)
        in_rows = fill_request(parse(body), request, lambda name: self._inputs_of(spec, name))
        response = self._core.predict(request, self._timeout_secs)
        outputs = {
            name: array_from_proto(response.outputs[name], limit_bytes=2**31)
            for name in sorted(response.outputs)
        }
        return rows_json(outputs) if in_rows else columns_json(outputs)

    def _inputs_of(self, spec: ModelSpec, signature_name: str) -> Mapping[str, TensorInfo]:
        _, signatures = self._core.signatures(spec)
        name = signature_name or DEFAULT_SIGNATURE
        if name not in signatures:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        inputs: Mapping[str, TensorInfo] = signatures[name].inputs
        return inputs
