"""TLS credentials from the stock server's SSLConfig file.

tensorflow-serving-api does not carry the message, so it is declared here with the field names,
numbers and types that the server's ssl_config.proto publishes.
"""

from __future__ import annotations

from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

_FILE = """
name: "ssl_config.proto"
syntax: "proto3"
message_type {
  name: "SSLConfig"
  field { name: "server_key" number: 1 type: TYPE_STRING }
  field { name: "server_cert" number: 2 type: TYPE_STRING }
  field { name: "custom_ca" number: 3 type: TYPE_STRING }
  field { name: "client_verify" number: 4 type: TYPE_BOOL }
}
"""
_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(text_format.Parse(_FILE, descriptor_pb2.FileDescriptorProto()))
SSLConfig = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("SSLConfig"))


def read_credentials(path: str | Path) -> grpc.ServerCredentials:
    """TLS credentials from an SSLConfig file, whose fields hold the PEM texts themselves.

    Raises:
        ValueError: the file is missing or broken, or key or certificate are missing; the text
            names the file.
    """
    try:
        config = text_format.Parse(Path(path).read_text(encoding="utf-8"), SSLConfig())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"`{path}` cannot be read as text: {error}.") from None
    except text_format.ParseError as error:
        raise ValueError(f"`{path}` is no SSLConfig in text format: {error}.") from None
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
