"""The gRPC services: each method hands its request to the core and its error to the client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from export.standin.core import StandIn
from export.standin.interfaces import Observer
from export.standin.status import StatusError, truncated

EXHAUSTED = "Server Threadpool Exhausted"
LATE = "Deadline Exceeded"


def _model_name(request: Any) -> str:
    if hasattr(request, "model_spec"):
        return str(request.model_spec.name)
    return str(request.tasks[0].model_spec.name) if getattr(request, "tasks", None) else ""


class Gate:
    """Lets so many requests in at a time, and tells the observer of each.

    The stock server's threads include the one that waits for new requests, so one request fewer
    than `--grpc_max_threads` runs.

    Args:
        max_threads: as the flag says.
        observer: is told of each request.
    """

    def __init__(self, max_threads: int, observer: Observer) -> None:
        self._lock = threading.Lock()
        self._room = max(1, max_threads - 1)
        self._inside = 0
        self._observer = observer

    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        with self._lock:
            return self._inside == 0

    def answer(
        self,
        method: str,
        work: Callable[[Any, float | None], Any],
        request: Any,
        context: grpc.ServicerContext,
    ) -> Any:
        """Runs `work(request, seconds left)` if there is room; ends the call otherwise."""
        began = time.monotonic()
        code = grpc.StatusCode.INTERNAL
        try:
            response = self._admitted(work, request, context)
            code = grpc.StatusCode.OK
            return response
        except StatusError as error:
            code = error.code
            # The run's own time may be up just before the client's, whose text it then is.
            is_late = code == grpc.StatusCode.DEADLINE_EXCEEDED
            context.abort(code, LATE if is_late else truncated(error.message))
        finally:
            secs = time.monotonic() - began
            self._observer.request_finished(_model_name(request), method, "GRPC", code.name, secs)

    def _admitted(
        self,
        work: Callable[[Any, float | None], Any],
        request: Any,
        context: grpc.ServicerContext,
    ) -> Any:
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


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """tensorflow.serving.PredictionService.

    Args:
        core: answers.
        gate: all methods of all services share one.
        enforce_timeout: a client's deadline also ends the graph's run.
    """

    def __init__(self, core: StandIn, gate: Gate, enforce_timeout: bool) -> None:
        self._core = core
        self._gate = gate
        self._enforce_timeout = enforce_timeout

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        def work(request: Any, left_secs: float | None) -> Any:
            return self._core.predict(request, left_secs if self._enforce_timeout else None)

        return self._gate.answer("Predict", work, request, context)

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        def work(request: Any, left_secs: float | None) -> Any:
            return self._core.model_metadata(request)

        return self._gate.answer("GetModelMetadata", work, request, context)

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._refuse("Classify", request, context)

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._refuse("Regress", request, context)

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        def work(request: Any, left_secs: float | None) -> Any:
            return self._core.refuse_multi_inference(request)

        return self._gate.answer("MultiInference", work, request, context)

    def _refuse(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        def work(request: Any, left_secs: float | None) -> Any:
            return self._core.refuse_examples(request, method)

        return self._gate.answer(method, work, request, context)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """tensorflow.serving.ModelService.

    Args:
        core, gate: as of PredictionService.
    """

    def __init__(self, core: StandIn, gate: Gate) -> None:
        self._core = core
        self._gate = gate

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        def work(request: Any, left_secs: float | None) -> Any:
            return self._core.model_status(request)

        return self._gate.answer("GetModelStatus", work, request, context)

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> Any:
        return self._gate.answer("HandleReloadConfigRequest", self._core.reload, request, context)
