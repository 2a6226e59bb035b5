"""Manager of loaded versions: looks at the models' folders, loads, switches over, unloads.

As in the stock server one thread does it all, one version after the other, and a new version is
available before an old one goes. A load that fails is tried again on that same thread, so that
meanwhile no other version change is acted on.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec

from export.local_server.config import Model
from export.local_server.models import servable as states
from export.local_server.models.policies import check_folder, versions_in, wanted_versions
from export.local_server.models.servable import Servable, StateBoard
from export.tensorflow_c.status import StatusError

LOG = logging.getLogger("export.local_server")


@dataclasses.dataclass(frozen=True)
class ManagerOptions:
    """How often to look, and how often to try.

    Attributes:
        poll_secs: between two looks at the folders; 0 or less looks only at the start.
        load_retries, retry_secs: further tries of a load that failed, and the wait before each.
    """

    poll_secs: float
    load_retries: int
    retry_secs: float


class Manager:
    """Keeps the configured versions loaded, and hands them to requests.

    Args:
        models: what to serve.
        load: makes a Servable of a name, a version and its folder; raises StatusError.
        options: see there.
    """

    def __init__(
        self,
        models: Sequence[Model],
        load: Callable[[str, int, Path], Servable],
        options: ManagerOptions,
    ) -> None:
        self.board = StateBoard()
        self._models = models
        self._load_servable = load
        self._options = options
        # Guards what follows; the board is never called with it held.
        self._lock = threading.Lock()
        self._aspired: dict[str, set[int]] = {model.name: set() for model in models}
        self._failed: dict[str, set[int]] = {model.name: set() for model in models}
        self._serving: dict[str, dict[int, Servable]] = {model.name: {} for model in models}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="manager", daemon=True)

    def start(self) -> None:
        """Loads the models, one try each, and begins to look for changes.

        Raises:
            StatusError: one of them cannot be loaded.
        """
        for model in self._models:
            check_folder(model)
        self._look_and_act(load_retries=0)
        self._check_available()
        self._thread.start()

    def stop(self) -> None:
        """Ends the looking and frees all versions as soon as they are idle."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for model in self._models:
            with self._lock:
                self._aspired[model.name] = set()
            self._retire_obsolete(model.name)

    @contextmanager
    def use(self, spec: ModelSpec) -> Iterator[Servable]:
        """The version that a request asks for, kept loaded for the block.

        Raises:
            StatusError: there is none.
        """
        if not spec.name:
            text = "ModelSpec has no name specified."
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, text)
        with self._lock:
            found = self._find(spec)
            found.acquire()
        try:
            yield found
        finally:
            found.release()

    def _find(self, spec: ModelSpec) -> Servable:
        versions = self._serving.get(spec.name, {})
        if spec.WhichOneof("version_choice") == "version_label":
            text = f"Unrecognized servable version label: {spec.version_label}"
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, text)
        wanted = spec.version.value if spec.HasField("version") else None
        if wanted is None and versions:
            return versions[max(versions)]
        if wanted in versions:
            return versions[wanted]
        asked = f"Latest({spec.name})" if wanted is None else f"Specific({spec.name}, {wanted})"
        text = f"Servable not found for request: {asked}"
        raise StatusError(grpc.StatusCode.NOT_FOUND, text)

    def _check_available(self) -> None:
        missing = sorted(model.name for model in self._models if not self._serving[model.name])
        texts = []
        for name in missing:
            version = max(self._failed[name], default=0)
            state = self.board.versions(name).get(version)
            reason = f" due to error: {state.error}" if state else ""
            texts.append(f"{{{{name: {name} version: {version}}}{reason}}}, ")
        if missing:
            raise StatusError(
                grpc.StatusCode.UNKNOWN,
                f"{len(missing)} model(s) did not become available: {{{''.join(texts)}}}",
            )

    def _keep_looking(self) -> None:
        period = self._options.poll_secs if self._options.poll_secs > 0 else None
        while not self._stopping.wait(period):
            self._look_and_act(self._options.load_retries)

    def _look_and_act(self, load_retries: int) -> None:
        for model in self._models:
            try:
                found = wanted_versions(model)
            except OSError as error:
                LOG.warning("%s: %s cannot be read: %s", model.name, model.base_path, error)
                continue
            self._aspire(model, found)
        for model in self._models:
            self._load_new(model, load_retries)
            self._retire_obsolete(model.name)

    def _aspire(self, model: Model, versions: set[int]) -> None:
        with self._lock:
            self._aspired[model.name] = versions
            self._failed[model.name] &= versions
            known = self._failed[model.name] | set(self._serving[model.name])
        for version in versions - known:
            self.board.set(model.name, version, states.START)

    def _load_new(self, model: Model, load_retries: int) -> None:
        """Loads what shall be served and is not, the highest first."""
        while not self._stopping.is_set():
            with self._lock:
                known = self._failed[model.name] | set(self._serving[model.name])
                missing = self._aspired[model.name] - known
            if not missing:
                return
            self._load(model, max(missing), load_retries)
            self._retire_obsolete(model.name)

    def _load(self, model: Model, version: int, retries: int) -> None:
        name = model.name
        self.board.set(name, version, states.LOADING)
        began = time.monotonic()
        loaded = self._try_to_load(model, version, retries)
        if isinstance(loaded, StatusError):
            LOG.warning("%s version %d cannot be loaded: %s", name, version, loaded)
            with self._lock:
                self._failed[name].add(version)
            self.board.set(name, version, states.END, loaded)
            return
        with self._lock:
            self._serving[name][version] = loaded
        LOG.info("%s version %d: available, %.2f s", name, version, time.monotonic() - began)
        self.board.set(name, version, states.AVAILABLE)

    def _try_to_load(self, model: Model, version: int, retries: int) -> Servable | StatusError:
        for tries_left in range(retries, -1, -1):
            try:
                folders = versions_in(model.base_path)
                # A folder that has gone meanwhile cannot be loaded, which its path then says.
                folder = folders.get(version, model.base_path / str(version))
                return self._load_servable(model.name, version, folder)
            except StatusError as error:
                failure = error
            except (OSError, ValueError) as error:
                failure = StatusError(grpc.StatusCode.INTERNAL, str(error))
            if tries_left:
                LOG.warning("%s version %d: %s; trying again", model.name, version, failure)
                if self._stopping.wait(self._options.retry_secs):
                    break
        return failure

    def _retire_obsolete(self, name: str) -> None:
        """Unloads versions that shall not be served, unless they are all that there is."""
        with self._lock:
            versions, aspired = self._serving[name], self._aspired[name]
            if aspired and not aspired & set(versions):
                return
            obsolete = [versions.pop(version) for version in sorted(set(versions) - aspired)]
        for servable in obsolete:
            self._retire(servable)

    def _retire(self, servable: Servable) -> None:
        name, version = servable.name, servable.version
        self.board.set(name, version, states.UNLOADING)

        def closed() -> None:
            LOG.info("%s version %d: unloaded", name, version)
            self.board.set(name, version, states.END)

        servable.close_when_idle(closed)
