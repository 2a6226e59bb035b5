"""What the parts of the stand-in ask of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
    from tensorflow_serving.apis.get_model_metadata_pb2 import (
        GetModelMetadataRequest,
        GetModelMetadataResponse,
    )
    from tensorflow_serving.apis.get_model_status_pb2 import (
        GetModelStatusRequest,
        GetModelStatusResponse,
    )
    from tensorflow_serving.apis.model_pb2 import ModelSpec
    from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse


class GraphRunner(Protocol):
    """Runs a loaded graph; a batching runner wraps another one and has the same face."""

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        timeout_secs: float | None,
    ) -> list[np.ndarray]:
        """One run.

        Args:
            feeds: tensor name (`serving_default_latent:0`) to array; strings are arrays of
                dtype object that hold bytes.
            fetches: tensor names (`StatefulPartitionedCall:0`).
            timeout_secs: after which it ends with DEADLINE_EXCEEDED; None waits for ever.

        Returns:
            One array a fetch, in their order.

        Raises:
            StatusError: with the text of TensorFlow's own error.
        """

    def close(self) -> None:
        """Waits for the runs under way and gives the memory back; no run may follow."""


class Observer(Protocol):
    """Is told of each thing that the metrics count. Called from many threads."""

    def request_finished(
        self, model_name: str, method: str, entry_point: str, code_name: str, secs: float
    ) -> None:
        """A request was answered: method `Predict`, entry point `GRPC` or `REST`, code `OK`."""

    def run_finished(self, model_name: str, secs: float) -> None:
        """A graph run of a request ended well."""

    def warmed_up(self, model_path: str, records: int, secs: float) -> None:
        """The warm-up records of the version in that folder were run."""


class Core(Protocol):
    """All that the server answers, free of gRPC and REST. Each raises StatusError."""

    def predict(self, request: PredictRequest, timeout_secs: float | None) -> PredictResponse: ...

    def signatures(self, model_spec: ModelSpec) -> tuple[int, Mapping[str, SignatureDef]]:
        """The version that a request would meet, and its signatures."""

    def model_metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse: ...

    def model_status(self, request: GetModelStatusRequest) -> GetModelStatusResponse: ...
