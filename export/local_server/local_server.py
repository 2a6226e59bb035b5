"""The local server put together: the models, what answers requests, and the gRPC port."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence

from export.local_server.config import Model
from export.local_server.grpc_api.request_handler import RequestHandler
from export.local_server.grpc_api.server import GrpcServer, ServerOptions
from export.local_server.models.loader import LoadingOptions, load
from export.local_server.models.manager import Manager, ManagerOptions
from export.tensorflow_c.status import StatusError


def log_to_stderr() -> None:
    """A line for each version that comes or goes, without the heads of lines that absl writes."""
    log = logging.getLogger("export.local_server")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("local server: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


class LocalServer:
    """Loads the models and opens the port, in this order, as the stock server does.

    Args:
        models: what to serve.
        loading, managing, serving: see there.

    Raises:
        ValueError: a model cannot be loaded or the port not be opened; nothing is left running.
    """

    def __init__(
        self,
        models: Sequence[Model],
        loading: LoadingOptions,
        managing: ManagerOptions,
        serving: ServerOptions,
    ) -> None:
        self._manager = Manager(models, functools.partial(load, loading), managing)
        handler = RequestHandler(self._manager, loading.tensor_limit_bytes)
        self._grpc = GrpcServer(handler, serving)
        try:
            self._manager.start()
        except StatusError as error:
            self._manager.stop()
            raise ValueError(f"Failed to start server. Error: {error}") from None
        self._grpc.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._grpc.port

    def stop(self, grace_secs: float) -> bool:
        """Takes no more requests, lets those under way end, and frees the models.

        Args:
            grace_secs: what requests under way get to end.

        Returns:
            Whether all requests ended within the time.
        """
        is_idle = self._grpc.stop(grace_secs)
        self._manager.stop()
        return is_idle
