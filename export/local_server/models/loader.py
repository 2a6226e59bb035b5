"""Loads one version: the graph, batching before it if wanted, and its warm-up requests."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from tensorflow_serving.apis.predict_pb2 import PredictRequest

from export.local_server.batching.config import BatchingParameters, per_model_parameters
from export.local_server.batching.runner import BatchingRunner
from export.local_server.batching.scheduler import BatchScheduler
from export.local_server.interfaces import GraphRunner
from export.local_server.metrics.prometheus import Metrics
from export.local_server.models.graph import Graph
from export.local_server.models.predict import predict
from export.local_server.models.servable import Servable
from export.local_server.models.warmup import replay_warmup
from export.tensorflow_c.library import disable_xla


@dataclasses.dataclass(frozen=True)
class LoadingOptions:
    """What becomes of a loaded graph.

    Attributes:
        batching: how requests are put together; None runs each by itself.
        per_model_batching: a version's own batching_params.pbtxt comes before `batching`.
        xla: run graphs that XLA must compile, instead of refusing them.
        warm_up: run the version's warm-up requests before it serves.
        warm_up_rounds: how often.
        tensor_limit_bytes: of one tensor of a request.
    """

    batching: BatchingParameters | None
    per_model_batching: bool
    xla: bool
    warm_up: bool
    warm_up_rounds: int
    tensor_limit_bytes: int


class Loader:
    """Makes Servables; called by the manager.

    Args:
        options: see there.
        metrics: is told of warm-ups, and of requests that waited for a batch.
    """

    def __init__(self, options: LoadingOptions, metrics: Metrics) -> None:
        self._options = options
        self._metrics = metrics
        self._scheduler: BatchScheduler | None = None
        if options.batching:
            threads, name = options.batching.num_batch_threads, options.batching.thread_pool_name
            self._scheduler = BatchScheduler(threads, name)

    def __call__(self, name: str, version: int, folder: Path) -> Servable:
        """Loads a version.

        Raises:
            StatusError: it cannot be loaded, or a warm-up request failed.
        """
        if not self._options.xla:
            disable_xla()
        graph = Graph(folder)
        runner: GraphRunner = graph
        try:
            runner = self._batched(graph, folder)
            servable = Servable(name, version, graph.signatures, runner)
            if self._options.warm_up:
                self._warm_up(servable, folder)
        except BaseException:
            runner.close()
            raise
        return servable

    def _batched(self, graph: Graph, folder: Path) -> GraphRunner:
        parameters = self._options.batching
        if parameters is None or self._scheduler is None:
            return graph
        if self._options.per_model_batching:
            parameters = per_model_parameters(folder, parameters)
        return BatchingRunner(graph, parameters, self._scheduler, self._queued(parameters))

    def _queued(self, parameters: BatchingParameters) -> Callable[[float], None]:
        return lambda secs: self._metrics.queued(parameters.thread_pool_name, secs)

    def _warm_up(self, servable: Servable, folder: Path) -> None:
        def answer(request: PredictRequest) -> None:
            predict(servable, request, None, self._options.tensor_limit_bytes)

        for _ in range(self._options.warm_up_rounds):
            began = time.monotonic()
            records = replay_warmup(folder, answer)
            self._metrics.warmed_up(str(folder), records, time.monotonic() - began)
