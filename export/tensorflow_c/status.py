"""Errors as the gRPC status that a client gets: a code and a text."""

from __future__ import annotations

import grpc

MESSAGE_LIMIT_BYTES = 1024
TRUNCATION_MARK = "...TRUNCATED"

CODES = {code.value[0]: code for code in grpc.StatusCode}


class StatusError(Exception):
    """What TensorFlow or a server answers instead of a result.

    Attributes:
        code: grpc.StatusCode; its number (`code.value[0]`) is TensorFlow's error code as well.
        message: the text, in full; `truncated` shortens it for the wire.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(code, message)  # both, so that it can be pickled
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def truncated(message: str) -> str:
    """A text as the stock server sends it: cut after 1,024 bytes, with a mark that says so."""
    data = message.encode("utf-8", "replace")
    if len(data) <= MESSAGE_LIMIT_BYTES:
        return data.decode("utf-8")
    return data[:MESSAGE_LIMIT_BYTES].decode("utf-8", "ignore") + TRUNCATION_MARK


def code_of_number(number: int) -> grpc.StatusCode:
    """The code with this number; UNKNOWN for a number that gRPC does not have."""
    return CODES.get(number, grpc.StatusCode.UNKNOWN)
