"""A SavedModel loaded as the stock server loads it, and its runs."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
import numpy as np
from tensorflow.core.protobuf.config_pb2 import RunOptions
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef

from export.standin.c_library import (
    Output,
    array_of,
    borrowed_buffer,
    checked_status,
    library,
    new_tensor,
)
from export.standin.status import StatusError

TAG = b"serve"


def _run_options(timeout_secs: float | None) -> bytes:
    """Serialized RunOptions; a time that is up leaves a millisecond, for 0 would mean for ever."""
    if timeout_secs is None or math.isinf(timeout_secs):
        return b""
    milliseconds = max(1, min(int(timeout_secs * 1000), 2**31))
    return RunOptions(timeout_in_ms=milliseconds).SerializeToString()


class Graph:
    """A loaded SavedModel; runs may come from many threads at once.

    Args:
        folder: the version's directory.

    Attributes:
        signatures: SignatureDef of each signature's name.

    Raises:
        StatusError: with the stock server's code and text of the same failure.
    """

    def __init__(self, folder: Path) -> None:
        tf = library()
        self._outputs: dict[str, Output] = {}
        self._graph = tf.TF_NewGraph()
        options, meta_graph = tf.TF_NewSessionOptions(), tf.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(TAG)
        try:
            with checked_status() as status:
                self._session = tf.TF_LoadSessionFromSavedModel(
                    *(options, None, str(folder).encode(), tags, len(tags)),
                    *(self._graph, meta_graph, status),
                )
            content = meta_graph.contents
            loaded = MetaGraphDef.FromString(ctypes.string_at(content.data, content.length))
        except StatusError:
            tf.TF_DeleteGraph(self._graph)
            raise
        finally:
            tf.TF_DeleteSessionOptions(options)
            tf.TF_DeleteBuffer(meta_graph)
        self.signatures: dict[str, SignatureDef] = dict(loaded.signature_def)

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        timeout_secs: float | None,
    ) -> list[np.ndarray]:
        """One step of the graph, as GraphRunner says."""
        tf = library()
        inputs = (Output * len(feeds))(*(self._output(name) for name in feeds))
        outputs = (Output * len(fetches))(*(self._output(name) for name in fetches))
        got = (ctypes.c_void_p * len(fetches))()
        options = _run_options(timeout_secs)
        fed = (ctypes.c_void_p * len(feeds))(*(new_tensor(array) for array in feeds.values()))
        try:
            with checked_status() as status:
                tf.TF_SessionRun(
                    *(self._session, borrowed_buffer(options) if options else None),
                    *(inputs, fed, len(feeds)),
                    *(outputs, got, len(fetches)),
                    *(None, 0, None, status),
                )
            return [array_of(tensor) for tensor in got]
        finally:
            for tensor in (*fed, *got):
                if tensor:
                    tf.TF_DeleteTensor(tensor)

    def close(self) -> None:
        """Frees the session and the graph; no run may be under way."""
        tf = library()
        for end in (tf.TF_CloseSession, tf.TF_DeleteSession):
            with checked_status() as status:
                end(self._session, status)
        tf.TF_DeleteGraph(self._graph)

    def _output(self, tensor_name: str) -> Output:
        found = self._outputs.get(tensor_name)
        if found is None:
            operation_name, _, index = tensor_name.partition(":")
            operation = library().TF_GraphOperationByName(self._graph, operation_name.encode())
            if not operation:
                raise StatusError(
                    grpc.StatusCode.NOT_FOUND,
                    f"FetchOutputs node {tensor_name}: not found",
                )
            found = self._outputs[tensor_name] = Output(operation, int(index or 0))
        return found
