"""The gRPC services: each method hands its request to the handler, and an error to the client."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from export.local_server.grpc_api.request_handler import RequestHandler
from export.tensorflow_c.status import StatusError, truncated

LOG = logging.getLogger("export.local_server")
PACKAGE = "tensorflow.serving"
EXHAUSTED = "Server Threadpool Exhausted"
LATE = "Deadline Exceeded"

# From a request and the seconds that its client still waits, to the answer.
Work = Callable[[Any, float | None], Any]


class Gate:
    """Lets so many requests in at a time.

    The stock server's threads include the one that waits for new requests, so one request fewer
    than `--grpc_max_threads` runs.

    Args:
        max_threads: as the flag says.
    """

    def __init__(self, max_threads: int) -> None:
        self._lock = threading.Lock()
        self._room = max(1, max_threads - 1)
        self._inside = 0

    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        with self._lock:
            return self._inside == 0

    def answer(self, method: str, work: Work, request: Any, context: grpc.ServicerContext) -> Any:
        """Runs `work(request, seconds left)` if there is room; ends the call otherwise."""
        try:
            return self._admitted(work, request, context)
        except StatusError as error:
            # The run's own time may be up just before the client's, whose text it then is.
            is_late = error.code == grpc.StatusCode.DEADLINE_EXCEEDED
            return context.abort(error.code, LATE if is_late else truncated(error.message))
        except Exception as error:  # a fault of ours; gRPC would answer with less
            LOG.exception("%s failed", method)
            text = truncated(f"{type(error).__name__}: {error}")
            return context.abort(grpc.StatusCode.INTERNAL, text)

    def _admitted(self, work: Work, request: Any, context: grpc.ServicerContext) -> Any:
        if isinstance(request, DecodeError):
            raise StatusError(grpc.StatusCode.INTERNAL, "The request cannot be parsed.")
        with self._lock:
            if self._inside == self._room:
                raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, EXHAUSTED)
            self._inside += 1
        try:
            left_secs = context.time_remaining()
            if left_secs is not None and left_secs <= 0:
                raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, LATE)
            if not context.is_active():
                raise StatusError(grpc.StatusCode.CANCELLED, "Cancelled")
            return work(request, left_secs)
        finally:
            with self._lock:
                self._inside -= 1


def prediction_service(
    handler: RequestHandler, gate: Gate, enforce_timeout: bool
) -> grpc.GenericRpcHandler:
    """tensorflow.serving.PredictionService.

    Args:
        handler: answers.
        gate: all methods of all services share one.
        enforce_timeout: a client's deadline also ends the graph's run.
    """

    def predict(request: Any, left_secs: float | None) -> Any:
        return handler.predict(request, left_secs if enforce_timeout else None)

    return _service(
        gate,
        "PredictionService",
        {
            "Predict": (PredictRequest, predict),
            "GetModelMetadata": (
                GetModelMetadataRequest,
                lambda request, _: handler.model_metadata(request),
            ),
            "Classify": (
                ClassificationRequest,
                lambda request, _: handler.refuse_examples(request, "Classify"),
            ),
            "Regress": (
                RegressionRequest,
                lambda request, _: handler.refuse_examples(request, "Regress"),
            ),
            "MultiInference": (
                MultiInferenceRequest,
                lambda request, _: handler.refuse_multi_inference(request),
            ),
        },
    )


def model_service(handler: RequestHandler, gate: Gate) -> grpc.GenericRpcHandler:
    """tensorflow.serving.ModelService; arguments as of `prediction_service`."""
    return _service(
        gate,
        "ModelService",
        {
            "GetModelStatus": (
                GetModelStatusRequest,
                lambda request, _: handler.model_status(request),
            ),
        },
    )


def _service(
    gate: Gate, name: str, methods: Mapping[str, tuple[type[Message], Work]]
) -> grpc.GenericRpcHandler:
    """The generated code does the same, but for requests that cannot be parsed."""
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            functools.partial(gate.answer, method, work),
            request_deserializer=functools.partial(_parsed, request_class),
            response_serializer=lambda message: message.SerializeToString(),
        )
        for method, (request_class, work) in methods.items()
    }
    return grpc.method_handlers_generic_handler(f"{PACKAGE}.{name}", handlers)


def _parsed(request_class: type[Message], data: bytes) -> Message | DecodeError:
    """A request, or the error of reading it, for the gate to answer.

    Where the error is let out here, gRPC logs it and never frees what belongs to the call.
    """
    try:
        return request_class.FromString(data)
    except DecodeError as error:
        return error
