"""A SavedModel loaded as the stock server loads it, and its runs with their deadlines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tensorflow.core.protobuf.config_pb2 import RunOptions
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef

from export.tensorflow_c.session import Session


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
        self._session = Session(folder)
        loaded = MetaGraphDef.FromString(self._session.meta_graph)
        self.signatures: dict[str, SignatureDef] = dict(loaded.signature_def)

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
            One array per fetch, in their order.

        Raises:
            StatusError: with the text of TensorFlow's own error.
        """
        return self._session.run(feeds, fetches, _run_options(timeout_secs))

    def close(self) -> None:
        """Frees the session and the graph; no run may be under way."""
        self._session.close()
