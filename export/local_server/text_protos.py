"""Text-format files of messages whose Python classes tensorflow-serving-api does not carry.

The batching, monitoring and TLS files of the stock server are such. Their message types are
declared here by field names, numbers and types, as the server's .proto files publish them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message

PACKAGE = "local_server"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _FIELD.TYPE_STRING,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "double": _FIELD.TYPE_DOUBLE,
}


def declare_messages(
    file_name: str, messages: Mapping[str, Mapping[str, tuple[int, str]]]
) -> dict[str, type[Any]]:
    """Message classes from their fields.

    Args:
        file_name: any name that no other declaration has.
        messages: message name to {field name: (number, type)}; a type is a scalar's name, the
            name of another message of these, or either with `repeated ` before it.

    Returns:
        The class of each message name.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=file_name, package=f"{PACKAGE}.{Path(file_name).stem}", syntax="proto3"
    )
    for message_name, fields in messages.items():
        message = file.message_type.add(name=message_name)
        for name, (number, kind) in fields.items():
            label, _, bare = kind.rpartition(" ")
            field = message.field.add(name=name, number=number)
            field.label = _FIELD.LABEL_REPEATED if label else _FIELD.LABEL_OPTIONAL
            if bare in _SCALARS:
                field.type = _SCALARS[bare]
            else:
                field.type = _FIELD.TYPE_MESSAGE
                field.type_name = f".{file.package}.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))
        for name in messages
    }


def read_text_proto(path: str | Path, message: Message) -> Any:
    """Reads a text-format file into `message` and returns it.

    Raises:
        ValueError: the file is missing or does not fit; the text names the file and the place.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"`{path}` cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"`{path}` is not UTF-8 text (byte {error.start}).") from None
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        name = message.DESCRIPTOR.name
        raise ValueError(f"`{path}` is no {name} in protobuf's text format: {error}.") from None
