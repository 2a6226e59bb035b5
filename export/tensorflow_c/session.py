"""A SavedModel loaded and run by TensorFlow's C API, as TensorFlow Serving loads and runs it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
import numpy as np

from export.tensorflow_c.library import (
    Output,
    array_of,
    borrowed_buffer,
    checked_status,
    library,
    new_tensor,
)
from export.tensorflow_c.status import StatusError

TAG = b"serve"


class Session:
    """A loaded SavedModel; runs may come from many threads at once.

    Args:
        folder: that holds saved_model.pb.

    Attributes:
        meta_graph: the serialized MetaGraphDef that was loaded.

    Raises:
        StatusError: with the stock server's code and text of the same failure.
    """

    def __init__(self, folder: str | Path) -> None:
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
            self.meta_graph = ctypes.string_at(content.data, content.length)
        except StatusError:
            tf.TF_DeleteGraph(self._graph)
            raise
        finally:
            tf.TF_DeleteSessionOptions(options)
            tf.TF_DeleteBuffer(meta_graph)

    def run(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], options: bytes = b""
    ) -> list[np.ndarray]:
        """One step of the graph.

        Args:
            feeds: arrays by tensor name, such as `serving_default_latents:0`; strings are arrays
                of dtype object that hold bytes.
            fetches: names of the tensors wanted.
            options: serialized RunOptions.

        Returns:
            One array a fetch, in their order.

        Raises:
            StatusError: the step fails, or the graph has no such tensor.
        """
        tf = library()
        inputs = (Output * len(feeds))(*(self._output(name) for name in feeds))
        outputs = (Output * len(fetches))(*(self._output(name) for name in fetches))
        got = (ctypes.c_void_p * len(fetches))()
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
                text = f"FetchOutputs node {tensor_name}: not found"
                raise StatusError(grpc.StatusCode.NOT_FOUND, text)
            found = self._outputs[tensor_name] = Output(operation, int(index or 0))
        return found
