"""The REST port: Python's own threading HTTP server, with bounds.

They are on connections, on the size of a request, and on how long a connection may be silent.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from export.local_server.rest_api.rapidjson_text import encoded
from export.local_server.rest_api.responses import error_json
from export.local_server.rest_api.rest_api import Answer, RestApi

MOST_CONNECTIONS = 256
SILENCE_SECS = 30.0
DEFAULT_MAX_BODY_BYTES = 64 * 2**20

_LOG = logging.getLogger(__name__)


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads requests within the bounds and writes what the API answers."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECS
    server: _BoundedServer

    def handle_any(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self._refuse(411, "A request needs a Content-Length.")
        elif not (length.isascii() and length.isdigit()):
            self._refuse(400, f"Content-Length is no number: {length}")
        elif len(length) > 18 or int(length) > self.server.max_body_bytes:
            self._refuse(
                413,
                f"The request has {length} bytes, but this server takes "
                f"{self.server.max_body_bytes}.",
            )
        else:
            body = self.rfile.read(int(length))
            if len(body) < int(length):
                self.close_connection = True  # the client has gone
                return
            self._write(self.server.api.answer(self.command, urlsplit(self.path).path, body))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = handle_any  # noqa: N815

    def _refuse(self, http_status: int, message: str) -> None:
        """Answers without reading the body, so that the connection has to end."""
        self.close_connection = True
        self._write(Answer(http_status, encoded(error_json(message))))

    def _write(self, answer: Answer) -> None:
        if self.server.stopping:
            self.close_connection = True
        self.send_response(answer.http_status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def version_string(self) -> str:
        return "psgan_tf stand-in"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        _LOG.debug(format, *args)


class _BoundedServer(ThreadingHTTPServer):
    """A thread a connection, up to a number of them; further ones are turned away."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], api: RestApi, max_body_bytes: int) -> None:
        self.api = api
        self.max_body_bytes = max_body_bytes
        self.stopping = False
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._open: set[socket.socket] = set()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """As the base class's, without asking a name server for this host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request: socket.socket, client_address: object) -> None:
        with self._lock:
            taken = len(self._open) < MOST_CONNECTIONS
            if taken:
                self._open.add(request)
        if taken:
            super().process_request(request, client_address)
            return
        request.settimeout(1.0)
        request.sendall(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        self.shutdown_request(request)

    def shutdown_request(self, request: socket.socket) -> None:
        super().shutdown_request(request)
        with self._lock:
            self._open.discard(request)
            self._ended.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is no fault of the server."""
        _LOG.debug("connection from %s ended", client_address, exc_info=True)

    def drain(self, grace_secs: float) -> None:
        """Lets requests under way be answered, and ends the connections that wait for the next."""
        self.stopping = True
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RD)
                except OSError:
                    continue  # it has ended
            self._ended.wait_for(lambda: not self._open, grace_secs)


class RestServer:
    """The REST API on a port.

    Args:
        host, port: where to listen; port 0 takes a free one.
        api: what answers.
        max_body_bytes: of a request; larger ones are answered with 413.

    Attributes:
        port: which is listened on.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self, host: str, port: int, api: RestApi, max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    ) -> None:
        self._server = _BoundedServer((host, port), api, max_body_bytes)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="rest"
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self, grace_secs: float = 5.0) -> None:
        """Takes no further connection, and waits for the requests under way."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.drain(grace_secs)
