"""The gRPC server: its port, its threads, and an end that loses no request."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import grpc

from export.local_server.grpc_api.request_handler import RequestHandler
from export.local_server.grpc_api.services import Gate, model_service, prediction_service
from export.local_server.grpc_api.ssl_config import read_credentials

# Threads that only refuse what is too much.
SPARE_THREADS = 8
LARGEST_MESSAGE_BYTES = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """How to listen.

    Attributes:
        host, port: the address; port 0 takes a free one.
        max_threads: of requests at a time; more are refused.
        max_message_bytes: of one request; answers may have what gRPC allows.
        ssl_config_file: SSLConfig in text format; none listens without TLS.
        enforce_timeout: a client's deadline also ends the graph's run.
    """

    host: str
    port: int
    max_threads: int
    max_message_bytes: int
    ssl_config_file: str | None
    enforce_timeout: bool


def _options(options: ServerOptions) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
        # Two servers at one port would each get some of the requests.
        ("grpc.so_reuseport", 0),
    ]


class GrpcServer:
    """A gRPC server of both services; it listens from `start` on.

    Args:
        handler: answers.
        options: how to listen.

    Raises:
        ValueError: the address is taken, or the TLS file is not right.
    """

    def __init__(self, handler: RequestHandler, options: ServerOptions) -> None:
        workers = options.max_threads + SPARE_THREADS
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="grpc")
        self._server = grpc.server(self._pool, options=_options(options))
        self._gate = Gate(options.max_threads)
        self._server.add_generic_rpc_handlers(
            [
                prediction_service(handler, self._gate, options.enforce_timeout),
                model_service(handler, self._gate),
            ]
        )
        self.port = self._bind(options)

    def _bind(self, options: ServerOptions) -> int:
        address = f"{options.host}:{options.port}"
        try:
            if options.ssl_config_file:
                credentials = read_credentials(options.ssl_config_file)
                return self._server.add_secure_port(address, credentials)
            return self._server.add_insecure_port(address)
        except RuntimeError:
            raise ValueError(
                "`port` must be free, and `host` an address of this machine. "
                f"Received: {address}. Use another port, or 0 for any free one."
            ) from None

    def start(self) -> None:
        """Begins to answer."""
        self._server.start()

    def stop(self, grace_secs: float) -> bool:
        """Refuses new requests, lets those under way end within the time, and closes.

        Args:
            grace_secs: what requests under way get to end.

        Returns:
            Whether all of them ended.
        """
        self._server.stop(grace_secs).wait()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self._gate.is_idle()
