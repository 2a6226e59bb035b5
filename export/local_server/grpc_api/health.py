"""grpc.health.v1.Health, with the service names that the stock server knows.

Its messages are one field each, so they are declared here instead of taken from another package.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc

from export.local_server.text_protos import declare_messages

SERVICE = "grpc.health.v1.Health"
NAMES = ("", "ModelService", "PredictionService")
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
# A watcher keeps a thread busy, so few may watch.
MAX_WATCHERS = 4

_MESSAGES = declare_messages(
    "health.proto",
    {
        "HealthCheckRequest": {"service": (1, "string")},
        "HealthCheckResponse": {"status": (1, "int32")},
    },
)
HealthCheckRequest = _MESSAGES["HealthCheckRequest"]
HealthCheckResponse = _MESSAGES["HealthCheckResponse"]


class Health:
    """Says SERVING for the known names until `stop`."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._watchers = threading.BoundedSemaphore(MAX_WATCHERS)

    def stop(self) -> None:
        """From now on the answer is NOT_SERVING; watchers are told, and end."""
        self._stopping.set()

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a gRPC server."""
        codec = {
            "request_deserializer": HealthCheckRequest.FromString,
            "response_serializer": HealthCheckResponse.SerializeToString,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self._check, **codec),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch, **codec),
            },
        )

    def _status(self) -> int:
        return NOT_SERVING if self._stopping.is_set() else SERVING

    def _check(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.service not in NAMES:
            context.abort(grpc.StatusCode.NOT_FOUND, "service name unknown")
        return HealthCheckResponse(status=self._status())

    def _watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        if not self._watchers.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watchers")
        try:
            known = request.service in NAMES
            yield HealthCheckResponse(status=self._status() if known else SERVICE_UNKNOWN)
            while context.is_active() and not self._stopping.wait(0.5):
                pass
            if known and context.is_active():
                yield HealthCheckResponse(status=self._status())
        finally:
            self._watchers.release()
