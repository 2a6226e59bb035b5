"""Loading of one version: its graph, and its warm-up requests run on it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tensorflow_serving.apis.predict_pb2 import PredictRequest

from export.local_server.models.graph import Graph
from export.local_server.models.predict import predict
from export.local_server.models.servable import Servable
from export.local_server.models.warmup import replay_warmup
from export.tensorflow_c.library import disable_xla


@dataclasses.dataclass(frozen=True)
class LoadingOptions:
    """How versions are loaded.

    Attributes:
        xla: run graphs that XLA must compile, instead of refusing them.
        warm_up_rounds: how often a version's warm-up requests are run before it serves.
        tensor_limit_bytes: of one tensor of a request.
    """

    xla: bool
    warm_up_rounds: int
    tensor_limit_bytes: int


def load(options: LoadingOptions, name: str, version: int, folder: Path) -> Servable:
    """Loads a version.

    Args:
        options: see there.
        name, version: of the model.
        folder: the version's.

    Raises:
        StatusError: it cannot be loaded, or a warm-up request failed.
    """
    if not options.xla:
        disable_xla()
    servable = Servable(name, version, Graph(folder))

    def answer(request: PredictRequest) -> None:
        predict(servable, request, None, options.tensor_limit_bytes)

    try:
        for _ in range(options.warm_up_rounds):
            replay_warmup(folder, answer)
    except BaseException:
        servable.graph.close()
        raise
    return servable
