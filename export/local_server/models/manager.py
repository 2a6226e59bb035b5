"""Which versions are loaded: looks at the models' folders, loads, switches over, unloads.

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
from export.local_server.models.policies import check_folder, version_folder, wanted_versions
from export.local_server.models.servable import Servable, StateBoard
from export.tensorflow_c.status import StatusError

LOG = logging.getLogger("export.local_server")


@dataclasses.dataclass(frozen=True)
class ManagerOptions:
    """How often to look, and how often to try.

    Attributes:
        poll_secs: between two looks at the folders; 0 or less looks only at the start.
        load_retries, retry_secs: further tries of a load that failed, and the wait before each.
        labels_before_versions: labels may be given to versions that are not loaded yet.
    """

    poll_secs: float = 1.0
    load_retries: int = 5
    retry_secs: float = 60.0
    labels_before_versions: bool = False


class Manager:
    """Keeps the configured versions loaded, and hands them to requests.

    Args:
        load: makes a Servable of a name, a version and its folder; raises StatusError.
        options: see there.
    """

    def __init__(self, load: Callable[[str, int, Path], Servable], options: ManagerOptions) -> None:
        self.board = StateBoard()
        self._load_servable = load
        self._options = options
        self._config_lock = threading.Lock()
        # Guards what follows; the board is never called with it held.
        self._lock = threading.Lock()
        self._models: dict[str, Model] = {}
        self._aspired: dict[str, set[int]] = {}
        self._failed: dict[str, set[int]] = {}
        self._serving: dict[str, dict[int, Servable]] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="manager", daemon=True)

    def start(self, models: Sequence[Model]) -> None:
        """Loads the models, one try each, and begins to look for changes.

        Raises:
            StatusError: one of them cannot be loaded.
        """
        self._accept(models)
        self._look_and_act(load_retries=0)
        self._check_available({model.name for model in models})
        self._thread.start()

    def reload(self, models: Sequence[Model], timeout_secs: float | None) -> None:
        """Serves these models from now on; waits for those with a new name.

        Models that are gone are unloaded at once; a change of policy shows at the next look.

        Raises:
            StatusError: the configuration is refused and nothing changes; or a new model did not
                load, or not in time.
        """
        if not self._config_lock.acquire(timeout=-1 if timeout_secs is None else timeout_secs):
            raise StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        try:
            added = self._accept(models)
            for name in set(self._serving) - set(self._models):
                self._retire_obsolete(name)
            if added:
                self._wake.set()
                self.board.wait_for(lambda: self._settled(added), timeout_secs)
                self._check_available(added)
        finally:
            self._config_lock.release()

    def stop(self) -> None:
        """Ends the looking and frees all versions as soon as they are idle."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            self._aspired.clear()
        for name in list(self._serving):
            self._retire_obsolete(name)

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
        wanted: int | None = None
        if spec.WhichOneof("version_choice") == "version_label":
            model = self._models.get(spec.name)
            wanted = model.labels.get(spec.version_label) if model else None
            if wanted is None:
                text = f"Unrecognized servable version label: {spec.version_label}"
                raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, text)
        elif spec.HasField("version"):
            wanted = spec.version.value
        if wanted is None and versions:
            return versions[max(versions)]
        if wanted in versions:
            return versions[wanted]
        asked = f"Latest({spec.name})" if wanted is None else f"Specific({spec.name}, {wanted})"
        text = f"Servable not found for request: {asked}"
        raise StatusError(grpc.StatusCode.NOT_FOUND, text)

    def _accept(self, models: Sequence[Model]) -> set[str]:
        """Takes over a configuration, or refuses it whole; the names that are new in it."""
        self._check_labels(models)
        added = {model.name for model in models} - set(self._models)
        for model in models:
            if model.name in added:
                check_folder(model)
        with self._lock:
            self._models = {model.name: model for model in models}
            for name in self._aspired:
                if name not in self._models:
                    self._aspired[name] = set()
            for name in added:
                self._failed[name] = set()
                self._aspired.pop(name, None)
        return added

    def _check_labels(self, models: Sequence[Model]) -> None:
        for model in models:
            before = self._models.get(model.name)
            for label, version in model.labels.items():
                is_unused = before is None or label not in before.labels
                if self._options.labels_before_versions and is_unused:
                    continue
                if version not in self._serving.get(model.name, {}):
                    raise StatusError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model {model.name}, "
                        "which is not currently available for inference",
                    )

    def _settled(self, names: set[str]) -> bool:
        """Whether each of these models has a version to serve, or none that could be loaded."""
        with self._lock:
            return all(
                self._serving.get(name)
                or (self._aspired.get(name) and self._aspired[name] <= self._failed[name])
                for name in names
            )

    def _check_available(self, names: set[str]) -> None:
        missing = ""
        count = 0
        for name in sorted(name for name in names if not self._serving.get(name)):
            count += 1
            failed = self._failed.get(name) or {0}
            state = self.board.versions(name).get(max(failed))
            reason = f" due to error: {state.error}" if state and state.error else ""
            missing += f"{{{{name: {name} version: {max(failed)}}}{reason}}}, "
        if missing:
            raise StatusError(
                grpc.StatusCode.UNKNOWN,
                f"{count} model(s) did not become available: {{{missing}}}",
            )

    def _keep_looking(self) -> None:
        period = self._options.poll_secs if self._options.poll_secs > 0 else None
        while True:
            self._wake.wait(period)
            self._wake.clear()
            if self._stopping.is_set():
                return
            self._look_and_act(self._options.load_retries)

    def _look_and_act(self, load_retries: int) -> None:
        with self._lock:
            models = list(self._models.values())
        for model in models:
            try:
                found = wanted_versions(model)
            except OSError as error:
                LOG.warning("%s: %s cannot be read: %s", model.name, model.base_path, error)
                continue
            self._aspire(model, found)
        for model in models:
            self._load_new(model, load_retries)
            self._retire_obsolete(model.name)

    def _aspire(self, model: Model, versions: set[int]) -> None:
        with self._lock:
            if self._models.get(model.name) is not model:
                return  # a reload came between
            self._aspired[model.name] = versions
            self._failed[model.name] &= versions
            known = self._failed[model.name] | set(self._serving.get(model.name, {}))
        for version in versions - known:
            self.board.set(model.name, version, states.START)

    def _load_new(self, model: Model, load_retries: int) -> None:
        """Loads what shall be served and is not, the highest first."""
        while not self._stopping.is_set():
            with self._lock:
                known = self._failed[model.name] | set(self._serving.get(model.name, {}))
                missing = self._aspired.get(model.name, set()) - known
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
            self._serving.setdefault(name, {})[version] = loaded
        LOG.info("%s version %d: available, %.2f s", name, version, time.monotonic() - began)
        self.board.set(name, version, states.AVAILABLE)

    def _try_to_load(self, model: Model, version: int, retries: int) -> Servable | StatusError:
        for tries_left in range(retries, -1, -1):
            try:
                folder = version_folder(model.base_path, version)
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
            versions = self._serving.get(name, {})
            aspired = self._aspired.get(name, set())
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
