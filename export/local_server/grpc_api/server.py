"""The gRPC server: its port, its threads, TLS, and an end that loses no request."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from export.local_server.grpc_api.core import StandIn
from export.local_server.grpc_api.health import MAX_WATCHERS, Health
from export.local_server.grpc_api.services import Gate, model_service, prediction_service
from export.local_server.interfaces import Observer
from export.local_server.text_protos import declare_messages, read_text_proto

# Threads that only refuse what is too much, watch health, or wait for a reload.
SPARE_THREADS = 8
LARGEST_MESSAGE_BYTES = 2**31 - 1

SSLConfig = declare_messages(
    "ssl_config.proto",
    {
        "SSLConfig": {
            "server_key": (1, "string"),
            "server_cert": (2, "string"),
            "custom_ca": (3, "string"),
            "client_verify": (4, "bool"),
        }
    },
)["SSLConfig"]


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """How to listen.

    Attributes:
        host, port: the address; port 0 takes a free one.
        max_threads: of requests at a time; more are refused.
        max_message_bytes: of one request; answers may have what gRPC allows.
        ssl_config_file: SSLConfig in text format; none listens without TLS.
        health_check: also serves grpc.health.v1.Health.
        enforce_timeout: a client's deadline also ends the graph's run.
    """

    host: str
    port: int
    max_threads: int
    max_message_bytes: int
    ssl_config_file: str | None = None
    health_check: bool = False
    enforce_timeout: bool = True


def read_credentials(path: str | Path) -> grpc.ServerCredentials:
    """TLS credentials from an SSLConfig file, whose fields hold the PEM texts themselves.

    Raises:
        ValueError: the file is broken, or key or certificate are missing.
    """
    config = read_text_proto(path, SSLConfig())
    if not config.server_key or not config.server_cert:
        raise ValueError(
            f"`{path}` must have server_key and server_cert, as PEM text. Received: "
            f"{'no server_cert' if config.server_key else 'no server_key'}."
        )
    if config.client_verify and not config.custom_ca:
        raise ValueError(f"`{path}` must have custom_ca where client_verify is true.")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _options(options: ServerOptions) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_send_message_length", LARGEST_MESSAGE_BYTES),
        # Two servers at one port would each get some of the requests.
        ("grpc.so_reuseport", 0),
    ]


class GrpcServer:
    """A server for the core; it listens from `start` on.

    Args:
        core: answers.
        options: how to listen.
        observer: is told of each request.

    Raises:
        ValueError: the address is taken, or the TLS file is not right.
    """

    def __init__(self, core: StandIn, options: ServerOptions, observer: Observer) -> None:
        workers = options.max_threads + SPARE_THREADS + MAX_WATCHERS
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="grpc")
        self._server = grpc.server(self._pool, options=_options(options))
        self._gate = Gate(options.max_threads, observer)
        self._health = Health()
        handlers = [
            prediction_service(core, self._gate, options.enforce_timeout),
            model_service(core, self._gate),
        ]
        if options.health_check:
            handlers.append(self._health.handler())
        self._server.add_generic_rpc_handlers(handlers)
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

        Returns:
            Whether all of them ended.
        """
        self._health.stop()
        self._server.stop(grace_secs).wait()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self._gate.is_idle()
