"""Calls over one gRPC channel: each has a deadline, and is repeated where that may help."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

_FIRST_DELAY_SECS = 0.05
_LARGEST_DELAY_SECS = 2.0
# RESOURCE_EXHAUSTED is also what a message over the size limit gets, which no repetition mends.
_THREADS_EXHAUSTED = "Server Threadpool Exhausted"

_CHANNEL_OPTIONS = (
    # gRPC's own limit on answers is 4 MiB; a picture of 1024 x 1024 in uint8 is larger.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # gRPC itself would try a lost connection again after up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

_REMEDIES = {
    "UNAVAILABLE": "Look whether a server runs at this address, and whether it wants TLS.",
    "DEADLINE_EXCEEDED": "Allow more seconds by `timeout_secs`, or ask for fewer pictures at once.",
    "NOT_FOUND": "Look up the served models and versions (`status`).",
    "RESOURCE_EXHAUSTED": "Ask for fewer pictures at once, or start the server with more threads.",
}


class RemoteError(OSError):
    """The server answered with an error, or not at all.

    Attributes:
        code: gRPC's name of it, for instance `NOT_FOUND`.
        details: the server's own words.
    """

    def __init__(self, address: str, code: str, details: str):
        super().__init__(f"{address}: {code}: {details}. {_REMEDIES.get(code, '')}".strip())
        self.code = code
        self.details = details


@dataclass(frozen=True)
class Tls:
    """What a channel over TLS needs, as the bytes of PEM files.

    Args:
        root_certificates: who is trusted to vouch for the server; None for those of the system.
        client_key, client_certificate: for servers that ask clients who they are.
    """

    root_certificates: bytes | None = None
    client_key: bytes | None = None
    client_certificate: bytes | None = None


def may_be_retried(error: grpc.RpcError) -> bool:
    """Whether a failure may pass by itself: no server yet or any more, or all of it busy."""
    exhausted = error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    return error.code() == grpc.StatusCode.UNAVAILABLE or (
        exhausted and _THREADS_EXHAUSTED in (error.details() or "")
    )


class Call:
    """One request with its repetitions; another thread may cancel it at any time."""

    def __init__(self, send: Callable[[], grpc.Future], address: str, retry_secs: float):
        self._send = send
        self._address = address
        self._retry_secs = retry_secs
        self._cancelled = threading.Event()
        self._rpc: grpc.Future | None = None

    def cancel(self) -> None:
        """Ends the request, whether it is on its way or waits to be sent again."""
        self._cancelled.set()
        if self._rpc is not None:
            self._rpc.cancel()

    def answer(self) -> Any:
        """Waits for the answer; RemoteError when it is an error that stays."""
        give_up = time.monotonic() + self._retry_secs
        delay_secs = _FIRST_DELAY_SECS
        while True:
            self._rpc = self._send()
            if self._cancelled.is_set():
                self._rpc.cancel()
            try:
                return self._rpc.result()
            except grpc.FutureCancelledError:
                raise RemoteError(self._address, "CANCELLED", "the request was given up") from None
            except grpc.RpcError as error:
                late = time.monotonic() + delay_secs > give_up
                if late or not may_be_retried(error):
                    details = error.details() or "no reason given"
                    raise RemoteError(self._address, error.code().name, details) from None
            # Not all at once: clients that were refused together would come back together.
            self._cancelled.wait(delay_secs * random.uniform(0.5, 1.0))
            delay_secs = min(2 * delay_secs, _LARGEST_DELAY_SECS)


def open_channel(address: str, tls: Tls | None) -> grpc.Channel:
    """A channel to `host:port` without gRPC's own limits on messages; None is no encryption."""
    if tls is None:
        return grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        tls.root_certificates, tls.client_key, tls.client_certificate
    )
    return grpc.secure_channel(address, credentials, options=_CHANNEL_OPTIONS)
