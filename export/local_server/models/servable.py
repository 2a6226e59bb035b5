"""One loaded version of a model, and the states that versions go through."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from export.local_server.models.graph import Graph
from export.tensorflow_c.status import StatusError

START = ModelVersionStatus.START
LOADING = ModelVersionStatus.LOADING
AVAILABLE = ModelVersionStatus.AVAILABLE
UNLOADING = ModelVersionStatus.UNLOADING
END = ModelVersionStatus.END


class Servable:
    """A version that requests can run on; it stays until the last of them is done.

    Args:
        name, version: of the model.
        graph: loaded.
    """

    def __init__(self, name: str, version: int, graph: Graph) -> None:
        self.name = name
        self.version = version
        self.graph = graph
        self._lock = threading.Lock()
        self._users = 0
        self._when_idle: Callable[[], None] | None = None

    def acquire(self) -> None:
        """Keeps the version loaded until `release`."""
        with self._lock:
            self._users += 1

    def release(self) -> None:
        """Ends what `acquire` began."""
        with self._lock:
            self._users -= 1
            end = self._when_idle if self._users == 0 else None
        if end:
            end()

    def close_when_idle(self, closed: Callable[[], None]) -> None:
        """Frees the graph as soon as no request uses it, then calls `closed`; maybe at once.

        It must not be acquired any more.
        """

        def close() -> None:
            self.graph.close()
            closed()

        with self._lock:
            self._when_idle = close
            idle = self._users == 0
        if idle:
            close()


@dataclasses.dataclass(frozen=True)
class VersionState:
    """What GetModelStatus tells of a version; an error is there only when loading failed."""

    state: int
    error: StatusError | None = None


class StateBoard:
    """The state of each version that was ever seen; may be used from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, dict[int, VersionState]] = {}

    def set(self, name: str, version: int, state: int, error: StatusError | None = None) -> None:
        """Notes a state; `error` is why a version could not be loaded."""
        with self._lock:
            self._states.setdefault(name, {})[version] = VersionState(state, error)

    def versions(self, name: str) -> dict[int, VersionState]:
        """The versions of a model, the highest first; empty for a model never seen."""
        with self._lock:
            return dict(sorted(self._states.get(name, {}).items(), reverse=True))
