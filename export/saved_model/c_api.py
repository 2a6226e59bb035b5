"""TensorFlow's C API through ctypes: loads a SavedModel and runs it as a C++ server does.

TensorFlow Serving loads with the same C++ functions. A process that imports TensorFlow's Python
is no stand-in for it: there `py_function` has a kernel, and other ops get registered as well. So
nothing here imports `tensorflow`; the library is found in the installed package by its path.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_LIBRARY = "libtensorflow_cc.so.2"
_STRING = 7  # DT_STRING of types.proto
_STRING_BYTES = 24  # sizeof(TF_TString)
# The codes of TF_Code and of gRPC are the same.
CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)


class Tensor(NamedTuple):
    """A tensor as bytes: DataType number, shape, and its values.

    `data` is one little-endian C-ordered buffer; of strings it is a list, one entry each.
    """

    dtype: int
    shape: tuple[int, ...]
    data: bytes | list[bytes]


class Request(NamedTuple):
    """One step of a graph: tensors to feed by name, and names of those to fetch."""

    feeds: dict[str, Tensor]
    fetches: list[str]


class Job(NamedTuple):
    """A SavedModel's directory and the steps to run."""

    directory: str
    requests: list[Request]


class StatusError(Exception):
    """What TensorFlow answered instead of a result.

    Args:
        code: a name of `CODES`.
        message: TensorFlow's text.
    """

    def __init__(self, code: str, message: str):
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


# Name, result and arguments of each function that is called (tensorflow/c/c_api.h).
_POINTER, _SIZE, _INT, _TEXT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p
_LONGS = ctypes.POINTER(ctypes.c_int64)
_OUTPUTS, _POINTERS = ctypes.POINTER(_Output), ctypes.POINTER(ctypes.c_void_p)
_FUNCTIONS = {
    "TF_NewStatus": (_POINTER, ()),
    "TF_GetCode": (_INT, (_POINTER,)),
    "TF_Message": (_TEXT, (_POINTER,)),
    "TF_DeleteStatus": (None, (_POINTER,)),
    "TF_NewGraph": (_POINTER, ()),
    "TF_NewSessionOptions": (_POINTER, ()),
    "TF_LoadSessionFromSavedModel": (
        _POINTER,
        (_POINTER, _POINTER, _TEXT, ctypes.POINTER(_TEXT), _INT, _POINTER, _POINTER, _POINTER),
    ),
    "TF_GraphOperationByName": (_POINTER, (_POINTER, _TEXT)),
    "TF_AllocateTensor": (_POINTER, (_INT, _LONGS, _INT, _SIZE)),
    "TF_DeleteTensor": (None, (_POINTER,)),
    "TF_TensorType": (_INT, (_POINTER,)),
    "TF_NumDims": (_INT, (_POINTER,)),
    "TF_Dim": (ctypes.c_int64, (_POINTER, _INT)),
    "TF_TensorData": (_POINTER, (_POINTER,)),
    "TF_TensorByteSize": (_SIZE, (_POINTER,)),
    "TF_StringInit": (None, (_POINTER,)),
    "TF_StringCopy": (None, (_POINTER, _TEXT, _SIZE)),
    "TF_StringGetDataPointer": (_POINTER, (_POINTER,)),
    "TF_StringGetSize": (_SIZE, (_POINTER,)),
    "TF_SessionRun": (
        None,
        (_POINTER, _POINTER)
        + (_OUTPUTS, _POINTERS, _INT) * 2
        + (_POINTERS, _INT, _POINTER, _POINTER),
    ),
}


def _load_library() -> ctypes.CDLL:
    """The C++ library of the installed package.

    Raises:
        OSError: when there is none, as outside Linux.
    """
    spec = importlib.util.find_spec("tensorflow")
    folders = (spec.submodule_search_locations if spec else None) or []
    paths = [Path(folder) / _LIBRARY for folder in folders]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise OSError(f"TensorFlow's C++ library {_LIBRARY} is not installed here.")
    library = ctypes.CDLL(str(found[0]))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Session:
    """A SavedModel's graph of tag `serve`, loaded; it lives as long as its process.

    Args:
        directory: the SavedModel.

    Raises:
        StatusError: it cannot be loaded.
    """

    def __init__(self, directory: str):
        self._tf = _load_library()
        self._status = self._tf.TF_NewStatus()
        self._graph = self._tf.TF_NewGraph()
        options = self._tf.TF_NewSessionOptions()
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = self._tf.TF_LoadSessionFromSavedModel(
            options, None, directory.encode(), tags, 1, self._graph, None, self._status
        )
        self._check_status()

    def run(self, feeds: Mapping[str, Tensor], fetches: Sequence[str]) -> list[Tensor]:
        """One step of the graph.

        Args:
            feeds: tensors by name, such as `serving_default_latents:0`.
            fetches: names of the tensors wanted.

        Raises:
            StatusError: the step fails, or the graph has no such tensor.
        """
        tf = self._tf
        inputs = (_Output * len(feeds))(*map(self._output, feeds))
        outputs = (_Output * len(fetches))(*map(self._output, fetches))
        fed = (ctypes.c_void_p * len(feeds))(*map(self._new_tensor, feeds.values()))
        got = (ctypes.c_void_p * len(fetches))()
        tf.TF_SessionRun(
            *(self._session, None),
            *(inputs, fed, len(feeds)),
            *(outputs, got, len(fetches)),
            *(None, 0, None, self._status),
        )
        try:
            self._check_status()
            return [self._read_tensor(tensor) for tensor in got]
        finally:
            for tensor in (*fed, *got):
                if tensor:
                    tf.TF_DeleteTensor(tensor)

    def _check_status(self) -> None:
        code = self._tf.TF_GetCode(self._status)
        if code:
            message = self._tf.TF_Message(self._status).decode("utf-8", "replace")
            raise StatusError(CODES[code], message)

    def _output(self, name: str) -> _Output:
        operation, _, index = name.partition(":")
        found = self._tf.TF_GraphOperationByName(self._graph, operation.encode())
        if not found:
            raise StatusError("NOT_FOUND", f"The graph has no node {operation!r}.")
        return _Output(found, int(index or 0))

    def _new_tensor(self, tensor: Tensor) -> int:
        tf = self._tf
        is_text = tensor.dtype == _STRING
        size = len(tensor.data) * (_STRING_BYTES if is_text else 1)
        shape = (ctypes.c_int64 * len(tensor.shape))(*tensor.shape)
        made: int = tf.TF_AllocateTensor(tensor.dtype, shape, len(shape), size)
        start = tf.TF_TensorData(made)
        if isinstance(tensor.data, bytes):
            ctypes.memmove(start, tensor.data, size)
            return made
        for row, text in enumerate(tensor.data):
            place = start + row * _STRING_BYTES
            tf.TF_StringInit(place)
            tf.TF_StringCopy(place, text, len(text))
        return made

    def _read_tensor(self, tensor: int) -> Tensor:
        tf = self._tf
        dtype = tf.TF_TensorType(tensor)
        shape = tuple(tf.TF_Dim(tensor, axis) for axis in range(tf.TF_NumDims(tensor)))
        start, size = tf.TF_TensorData(tensor), tf.TF_TensorByteSize(tensor)
        if dtype != _STRING:
            return Tensor(dtype, shape, ctypes.string_at(start, size) if size else b"")
        places = range(start, start + size, _STRING_BYTES) if size else ()
        texts = [
            ctypes.string_at(tf.TF_StringGetDataPointer(place), tf.TF_StringGetSize(place))
            for place in places
        ]
        return Tensor(dtype, shape, texts)
