"""The whole stand-in put together: models, core, gRPC and REST ports."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

from export.local_server.config import models_of
from export.local_server.config_watch import ConfigWatch
from export.local_server.grpc_api.core import StandIn
from export.local_server.grpc_api.server import GrpcServer, ServerOptions
from export.local_server.metrics.prometheus import Metrics
from export.local_server.models.loader import Loader, LoadingOptions
from export.local_server.models.manager import Manager, ManagerOptions
from export.local_server.rest_api.http_server import RestServer
from export.local_server.rest_api.rest_api import RestApi
from export.tensorflow_c.status import StatusError


@dataclasses.dataclass(frozen=True)
class RestOptions:
    """The REST port.

    Attributes:
        port: 0 takes a free one; None opens none.
        timeout_secs: of a predict request.
        metrics_path: where Prometheus finds metrics; None for nowhere.
    """

    port: int | None
    timeout_secs: float
    metrics_path: str | None


def log_to_stderr() -> None:
    """A line for each version that comes or goes, without the heads of lines that absl writes."""
    log = logging.getLogger("export.local_server")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("local stand-in: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def _open_rest(api: RestApi, serving: ServerOptions, port: int | None) -> RestServer | None:
    if port is None:
        return None
    try:
        return RestServer(serving.host, port, api, serving.max_message_bytes)
    except OSError as error:
        raise ValueError(
            f"`rest_api_port` must be free on this machine. Received: {serving.host}:{port} "
            f"({error.strerror}). Use another, or 0 for any free one."
        ) from None


class Program:
    """Loads the models and opens the ports, in this order, as the stock server does.

    Args:
        models: what to serve.
        loading, managing, serving, rest: see there.
        watched: a configuration file to take over when it changes, and seconds between looks.

    Raises:
        ValueError: a model cannot be loaded or a port not be opened; nothing is left running.
    """

    def __init__(
        self,
        models: ModelConfigList,
        loading: LoadingOptions,
        managing: ManagerOptions,
        serving: ServerOptions,
        rest: RestOptions,
        watched: tuple[Path, float] | None = None,
    ) -> None:
        metrics = Metrics()
        self._manager = Manager(Loader(loading, metrics), managing)
        core = StandIn(self._manager, loading.tensor_limit_bytes, metrics)
        self._grpc = GrpcServer(core, serving, metrics)
        api = RestApi(core, metrics, rest.metrics_path, rest.timeout_secs)
        self._rest = _open_rest(api, serving, rest.port)
        try:
            self._manager.start(models_of(models))
        except StatusError as error:
            self._manager.stop()
            raise ValueError(f"Failed to start server. Error: {error}") from None
        self._grpc.start()
        if self._rest:
            self._rest.start()
        self._watch: ConfigWatch | None = None
        if watched:
            self._watch = ConfigWatch(*watched, self._reload)
            self._watch.start()

    def _reload(self, models: ModelConfigList) -> None:
        self._manager.reload(models_of(models), timeout_secs=None)

    @property
    def grpc_port(self) -> int:
        """The gRPC port that is listened on."""
        return self._grpc.port

    @property
    def rest_port(self) -> int | None:
        """The REST port that is listened on; None without one."""
        return self._rest.port if self._rest else None

    def stop(self, grace_secs: float) -> bool:
        """Takes no more requests, lets those under way end, and frees the models.

        Returns:
            Whether all requests ended within the time.
        """
        if self._watch:
            self._watch.stop()
        if self._rest:
            self._rest.stop(grace_secs)
        is_idle = self._grpc.stop(grace_secs)
        self._manager.stop()
        return is_idle
