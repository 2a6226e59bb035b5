"""A client of a served generator: TensorFlow Serving's gRPC API, version 2.15.

One channel, a deadline on every call, inputs checked before they are sent, and repetition of the
failures that pass by themselves. Works with the stock server and with whatever speaks its API.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from psgan_tf.serving_client.rpc import Call, Tls, open_channel
from psgan_tf.serving_client.tensor_protos import (
    METADATA_FIELD,
    Signature,
    check_inputs,
    from_proto,
    read_signatures,
    to_proto,
)

DEFAULT_TIMEOUT_SECS = 60.0
DEFAULT_RETRY_SECS = 10.0


@dataclass(frozen=True)
class Answer:
    """What came back: the model version that made it, and the outputs by name."""

    version: int
    outputs: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Question:
    """One request: a signature's name and its inputs, each with a leading batch axis."""

    signature: str
    inputs: Mapping[str, np.ndarray]


class RemoteModel:
    """A model behind TensorFlow Serving's gRPC port. Threads may share one.

    Args:
        address: `host:port`.
        model: the name it is served under.
        version: asks for this version; None for the one the server offers.
        label: asks for the version of this label instead.
        timeout_secs: the deadline of each call.
        retry_secs: how long a server that is away or busy is asked again.
        tls: None for a channel without encryption.

    Raises:
        ValueError: a version and a label at once.
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str = "",
        timeout_secs: float = DEFAULT_TIMEOUT_SECS,
        retry_secs: float = DEFAULT_RETRY_SECS,
        tls: Tls | None = None,
    ):
        if version is not None and label:
            raise ValueError(
                "`version` and `label` exclude each other. "
                f"Received: version={version}, label={label!r}. Give one of them."
            )
        self.address = address
        self.model = model
        self._version = version
        self._label = label
        self._timeout_secs = timeout_secs
        self._retry_secs = retry_secs
        self._channel = open_channel(address, tls)
        self._prediction = PredictionServiceStub(self._channel)
        self._model_service = ModelServiceStub(self._channel)
        self._metadata_lock = threading.Lock()
        self._metadata: tuple[int, dict[str, Signature]] | None = None

    def __enter__(self) -> RemoteModel:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; requests under way end."""
        self._channel.close()

    def status(self) -> list[ModelVersionStatus]:
        """The versions that the server knows, newest first, each with its state."""
        request = GetModelStatusRequest(model_spec=self._model_spec())
        response = self._call(self._model_service.GetModelStatus, request).answer()
        return sorted(response.model_version_status, key=lambda status: -status.version)

    def signatures(self) -> tuple[int, Mapping[str, Signature]]:
        """The version that would answer now, and its signatures by name.

        Asked once, and again after an answer of another version.
        """
        with self._metadata_lock:
            if self._metadata is None:
                request = GetModelMetadataRequest(
                    model_spec=self._model_spec(), metadata_field=[METADATA_FIELD]
                )
                response = self._call(self._prediction.GetModelMetadata, request).answer()
                version = response.model_spec.version.value
                self._metadata = version, read_signatures(response)
            return self._metadata

    def predict(self, question: Question) -> Answer:
        """Asks the model once.

        Raises:
            ValueError: there is no such signature, or its inputs are others.
            RemoteError: the server answered with an error, or not at all.
        """
        return self._read(self._ask(question).answer())

    def stream(self, questions: Iterable[Question], in_flight: int) -> Iterator[Answer]:
        """Answers in the order of the questions, several of which are under way at a time.

        Questions are taken as answers are. When one fails, those under way are given up.

        Args:
            questions: what to ask.
            in_flight: how many questions may be under way.

        Raises:
            ValueError, RemoteError: as `predict`.
        """
        waiting: deque[tuple[Call, Future]] = deque()
        with ThreadPoolExecutor(in_flight) as pool:
            try:
                for question in questions:
                    call = self._ask(question)
                    waiting.append((call, pool.submit(call.answer)))
                    if len(waiting) == in_flight:
                        yield self._read(waiting.popleft()[1].result())
                while waiting:
                    yield self._read(waiting.popleft()[1].result())
            finally:
                for call, _ in waiting:
                    call.cancel()

    def _ask(self, question: Question) -> Call:
        """A checked question, ready to be sent."""
        version, signatures = self.signatures()
        signature = signatures.get(question.signature)
        if signature is None:
            raise ValueError(
                f"`signature` must be one of {', '.join(signatures)}, those of {self.model} "
                f"version {version}. Received: {question.signature!r}. "
                "Serve a model that has it, as export_saved_model writes them."
            )
        check_inputs(signature, question.inputs)
        inputs = {name: to_proto(array) for name, array in question.inputs.items()}
        spec = self._model_spec()
        spec.signature_name = question.signature
        return self._call(self._prediction.Predict, PredictRequest(model_spec=spec, inputs=inputs))

    def _read(self, response: PredictResponse) -> Answer:
        version = response.model_spec.version.value
        with self._metadata_lock:
            if self._metadata is not None and self._metadata[0] != version:
                self._metadata = None
        outputs = {name: from_proto(proto) for name, proto in response.outputs.items()}
        return Answer(version, outputs)

    def _call(self, method: grpc.UnaryUnaryMultiCallable, request: Any) -> Call:
        return Call(
            lambda: method.future(request, timeout=self._timeout_secs),
            self.address,
            self._retry_secs,
        )

    def _model_spec(self) -> ModelSpec:
        spec = ModelSpec(name=self.model, version_label=self._label or None)
        if self._version is not None:
            spec.version.value = self._version
        return spec
