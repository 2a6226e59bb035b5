"""One loaded version of a model, and the states that versions go through."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping

import grpc
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from export.local_server.interfaces import GraphRunner
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
        signatures: by name.
        runner: runs its graph.
    """

    def __init__(
        self, name: str, version: int, signatures: Mapping[str, SignatureDef], runner: GraphRunner
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures
        self.runner = runner
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
        """Frees the graph as soon as nobody uses it, then calls `closed`; maybe at once.

        Nobody may acquire it any more.
        """

        def close() -> None:
            self.runner.close()
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
    """The state of each version that was ever seen, for anyone to read or to wait for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._states: dict[str, dict[int, VersionState]] = {}

    def set(self, name: str, version: int, state: int, error: StatusError | None = None) -> None:
        """Notes a state and wakes those who wait."""
        with self._changed:
            self._states.setdefault(name, {})[version] = VersionState(state, error)
            self._changed.notify_all()

    def versions(self, name: str) -> dict[int, VersionState]:
        """The versions of a model, the highest first; empty for a model never seen."""
        with self._changed:
            return dict(sorted(self._states.get(name, {}).items(), reverse=True))

    def wait_for(self, condition: Callable[[], bool], timeout_secs: float | None) -> None:
        """Waits until the condition holds; it is looked at after each change.

        Raises:
            StatusError: the time is up.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout_secs):
                raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
