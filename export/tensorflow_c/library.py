"""TensorFlow's C API through ctypes: its functions, and its tensors as numpy arrays.

Declarations are those of tensorflow/c/c_api.h, tf_tensor.h and tf_tstring.h. Each call gives up
Python's lock, so that graphs run in parallel. Nothing here imports `tensorflow`: that would
register kernels and ops that no C++ server has. The library is found by the package's path.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import ml_dtypes
import numpy as np

from export.tensorflow_c.status import StatusError, code_of_number

LIBRARY = "libtensorflow_cc.so.2"
STRING = 7  # DT_STRING
STRING_BYTES = 24  # sizeof(TF_TString)

# DataType number (types.proto) to what numpy calls it. Strings are objects that hold bytes.
NUMPY_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.float64),
    3: np.dtype(np.int32),
    4: np.dtype(np.uint8),
    5: np.dtype(np.int16),
    6: np.dtype(np.int8),
    STRING: np.dtype(object),
    8: np.dtype(np.complex64),
    9: np.dtype(np.int64),
    10: np.dtype(np.bool_),
    14: np.dtype(ml_dtypes.bfloat16),
    17: np.dtype(np.uint16),
    18: np.dtype(np.complex128),
    19: np.dtype(np.float16),
    22: np.dtype(np.uint32),
    23: np.dtype(np.uint64),
}
TYPE_NUMBERS = {dtype: number for number, dtype in NUMPY_TYPES.items()}


class Output(ctypes.Structure):
    """One output of an operation (TF_Output)."""

    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class Buffer(ctypes.Structure):
    """Bytes that somebody owns (TF_Buffer)."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("length", ctypes.c_size_t),
        ("deallocator", ctypes.c_void_p),
    )


_POINTER, _SIZE, _INT, _TEXT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p
_LONG, _LONGS = ctypes.c_int64, ctypes.POINTER(ctypes.c_int64)
_OUTPUTS, _POINTERS = ctypes.POINTER(Output), ctypes.POINTER(ctypes.c_void_p)
_BUFFER, _TEXTS = ctypes.POINTER(Buffer), ctypes.POINTER(ctypes.c_char_p)

# Name: result, then the arguments.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "TF_NewStatus": (_POINTER,),
    "TF_GetCode": (_INT, _POINTER),
    "TF_Message": (_TEXT, _POINTER),
    "TF_DeleteStatus": (None, _POINTER),
    "TF_NewBuffer": (_BUFFER,),
    "TF_DeleteBuffer": (None, _BUFFER),
    "TF_NewGraph": (_POINTER,),
    "TF_DeleteGraph": (None, _POINTER),
    "TF_GraphOperationByName": (_POINTER, _POINTER, _TEXT),
    "TF_NewSessionOptions": (_POINTER,),
    "TF_DeleteSessionOptions": (None, _POINTER),
    "TF_LoadSessionFromSavedModel": (
        *(_POINTER, _POINTER, _BUFFER, _TEXT),
        *(_TEXTS, _INT, _POINTER, _BUFFER, _POINTER),
    ),
    "TF_CloseSession": (None, _POINTER, _POINTER),
    "TF_DeleteSession": (None, _POINTER, _POINTER),
    "TF_SessionRun": (
        *(None, _POINTER, _BUFFER),
        *(_OUTPUTS, _POINTERS, _INT),
        *(_OUTPUTS, _POINTERS, _INT),
        *(_POINTERS, _INT, _BUFFER, _POINTER),
    ),
    "TF_AllocateTensor": (_POINTER, _INT, _LONGS, _INT, _SIZE),
    "TF_DeleteTensor": (None, _POINTER),
    "TF_TensorFromProto": (None, _BUFFER, _POINTER, _POINTER),
    "TF_TensorType": (_INT, _POINTER),
    "TF_NumDims": (_INT, _POINTER),
    "TF_Dim": (_LONG, _POINTER, _INT),
    "TF_TensorData": (_POINTER, _POINTER),
    "TF_TensorByteSize": (_SIZE, _POINTER),
    "TF_StringInit": (None, _POINTER),
    "TF_StringCopy": (None, _POINTER, _TEXT, _SIZE),
    "TF_StringGetDataPointer": (_POINTER, _POINTER),
    "TF_StringGetSize": (_SIZE, _POINTER),
}


@functools.cache
def library() -> ctypes.CDLL:
    """The C++ library of the installed package, with its functions declared.

    Raises:
        ValueError: when there is none.
    """
    spec = importlib.util.find_spec("tensorflow")  # does not import it
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or []]
    found = [folder / LIBRARY for folder in folders if (folder / LIBRARY).is_file()]
    if not found:
        raise ValueError(f"TensorFlow's C++ library {LIBRARY} is not installed; see BUILD.md.")
    loaded = ctypes.CDLL(str(found[0]))
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


def disable_xla() -> None:
    """Makes this process refuse graphs that must be compiled, as the stock server does by default.

    The C API has no such function; this is the C++ one that the stock server calls.
    """
    library()._ZN10tensorflow21DisableXlaCompilationEv()


@contextmanager
def checked_status() -> Iterator[int]:
    """A TF_Status for the calls of a block; its error, if any, is raised at the end.

    Raises:
        StatusError: TensorFlow's code and text.
    """
    tf = library()
    status = tf.TF_NewStatus()
    try:
        yield status
        number = tf.TF_GetCode(status)
        if number:
            text = tf.TF_Message(status).decode("utf-8", "replace")
            raise StatusError(code_of_number(number), text)
    finally:
        tf.TF_DeleteStatus(status)


def borrowed_buffer(data: bytes) -> Buffer:
    """A TF_Buffer over bytes that Python keeps; valid as long as `data` is."""
    return Buffer(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data), None)


def new_tensor(array: np.ndarray) -> int:
    """A TF_Tensor with a copy of the array; to be deleted by the caller.

    Raises:
        KeyError: the array's dtype is none of TensorFlow's.
    """
    tf = library()
    number = TYPE_NUMBERS[array.dtype]
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    size = array.size * (STRING_BYTES if number == STRING else array.itemsize)
    tensor: int = tf.TF_AllocateTensor(number, shape, array.ndim, size)
    start = tf.TF_TensorData(tensor)
    if number != STRING:
        contiguous = np.ascontiguousarray(array)
        ctypes.memmove(start, contiguous.ctypes.data, size)
        return tensor
    for index, text in enumerate(array.ravel()):
        tf.TF_StringInit(start + index * STRING_BYTES)
        tf.TF_StringCopy(start + index * STRING_BYTES, text, len(text))
    return tensor


def array_of(tensor: int) -> np.ndarray:
    """A copy of a TF_Tensor as an array.

    Raises:
        StatusError: numpy has no such dtype (resources, variants, quantised numbers).
    """
    tf = library()
    number = tf.TF_TensorType(tensor)
    if number not in NUMPY_TYPES:
        text = f"tensors of DataType {number} cannot be read here"
        raise StatusError(grpc.StatusCode.UNIMPLEMENTED, text)
    dtype = NUMPY_TYPES[number]
    shape = tuple(tf.TF_Dim(tensor, axis) for axis in range(tf.TF_NumDims(tensor)))
    start, size = tf.TF_TensorData(tensor), tf.TF_TensorByteSize(tensor)
    if number != STRING:
        array = np.empty(shape, dtype)
        ctypes.memmove(array.ctypes.data, start, size)
        return array
    texts = np.empty(shape, object)
    for index in range(texts.size):
        place = start + index * STRING_BYTES
        texts.flat[index] = ctypes.string_at(
            tf.TF_StringGetDataPointer(place), tf.TF_StringGetSize(place)
        )
    return texts
