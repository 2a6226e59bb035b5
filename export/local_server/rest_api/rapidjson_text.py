"""JSON as the stock server's REST port reads and writes it: its error texts, numbers and layout.

The stock server uses RapidJSON. What Python's `json` says of a broken document is told here in
RapidJSON's words, and decimals and lists are laid out as its PrettyWriter does with 4 spaces.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import numpy as np

from export.tensorflow_c.status import StatusError

INVALID = grpc.StatusCode.INVALID_ARGUMENT
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}
FLOAT_MAX = float(np.finfo(np.float32).max)

# The start of Python's message, and RapidJSON's for the same fault.
_FAULTS = {
    "Expecting property name": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Expecting ':'": "Missing a colon after a name of object member.",
    "Expecting value": "Invalid value.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Extra data": "The document root must not be followed by other values.",
    "Unterminated string": "Missing a closing quotation mark in string.",
    "Invalid control character": "Invalid encoding in string.",
    "Invalid \\uXXXX": "Incorrect hex digit after \\u escape in string.",
    "Invalid \\escape": "Invalid escape character in string.",
}


def decoded(data: bytes) -> str:
    """Bytes as text; those that are no UTF-8 come out of `encoded` as they were."""
    return data.decode(**_ENCODING)


def encoded(text: str) -> bytes:
    """The reverse of `decoded`."""
    return text.encode(**_ENCODING)


def _fault(error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Expecting ','"):
        in_object = _innermost_bracket(error.doc[: error.pos]) == "{"
        return (
            "Missing a comma or } after an object member."
            if in_object
            else "Missing a comma or ] after an array element."
        )
    return next((text for start, text in _FAULTS.items() if error.msg.startswith(start)), error.msg)


def _innermost_bracket(text: str) -> str:
    """The bracket that is open at the end of a text that is good so far."""
    open_brackets = []
    in_string = escaped = False
    for letter in text:
        if in_string:
            in_string = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            in_string = True
        elif letter in "[{":
            open_brackets.append(letter)
        elif letter in "]}":
            open_brackets.pop()
    return open_brackets[-1] if open_brackets else ""


def parse(body: bytes) -> dict[str, Any]:
    """A request's document. Raises INVALID_ARGUMENT where it is no JSON object."""
    data = body.removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        offset = "" if not body else f" at offset: {len(body)}"
        raise StatusError(
            INVALID, f"JSON Parse error: The document is empty{'.' * bool(body)}{offset}"
        )
    try:
        document = json.loads(decoded(data))
    except json.JSONDecodeError as error:
        offset = len(body) - len(data) + len(encoded(error.doc[: error.pos]))
        raise StatusError(
            INVALID, f"JSON Parse error: {_fault(error)} at offset: {offset}"
        ) from None
    except ValueError:  # Python converts 4,300 digits at most
        raise StatusError(
            INVALID, "JSON Parse error: Number too big to be stored in double."
        ) from None
    except RecursionError:
        raise StatusError(INVALID, "JSON Parse error: Nested too deeply.") from None
    if not isinstance(document, dict):
        raise StatusError(INVALID, f"JSON Value: {value_text(document)} Is not object")
    return document


def value_text(value: Any) -> str:
    """A JSON value as error messages quote it."""
    if isinstance(value, float):
        short = abs(value) <= FLOAT_MAX
        return decimal_texts(np.array([value], np.float32 if short else np.float64))[0]
    return json.dumps(value, indent=4, ensure_ascii=False)


def type_name(value: Any) -> str:
    """What error messages call the type of a JSON value."""
    if isinstance(value, bool):
        return str(value)
    names = {type(None): "Null", dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def decimal_texts(numbers: np.ndarray) -> list[str]:
    """Decimals of float32 or float64 with 6 digits where these say all, else 9 or 17.

    Always with a point or an exponent, so that a reader takes none for an integer.
    """
    digits = 9 if numbers.dtype == np.float32 else 17
    values = numbers.ravel().tolist()
    texts = [f"{value:.6g}" for value in values]
    exact = np.array(texts, dtype=np.float64).astype(numbers.dtype) == numbers.ravel()
    for index in np.flatnonzero(~exact):
        texts[index] = f"{values[index]:.{digits}g}"
    return [_as_decimal(text, value) for text, value in zip(texts, values, strict=True)]


def _as_decimal(text: str, value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return text if "." in text or "e" in text else f"{text}.0"


def quoted(text: str) -> str:
    """A string as JSON writes it."""
    return json.dumps(text, ensure_ascii=False)


def object_text(members: Sequence[tuple[str, str]], depth: int) -> str:
    """An object of members whose values are JSON text, `depth` levels in."""
    inner = "\n" + " " * 4 * (depth + 1)
    lines = ",".join(f"{inner}{quoted(name)}: {value}" for name, value in members)
    return "{" + lines + "\n" + " " * 4 * depth + "}"


def list_text(values: Iterator[str], shape: Sequence[int], depth: int, one_line: bool) -> str:
    """Nested lists of values that are JSON text, which come in row-major order.

    Args:
        shape: of the nested lists; () is one value without a list.
        depth: how many levels in the outermost list begins.
        one_line: no line breaks within.
    """
    if not shape:
        return next(values)
    items = [list_text(values, shape[1:], depth + 1, one_line) for _ in range(shape[0])]
    if one_line or not items:
        return "[" + ", ".join(items) + "]"
    inner = "\n" + " " * 4 * (depth + 1)
    return "[" + inner + f",{inner}".join(items) + "\n" + " " * 4 * depth + "]"
