"""Serves what the configuration file says from now on, each time that somebody changes it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

from export.local_server.config import read_config_file
from export.tensorflow_c.status import StatusError

LOG = logging.getLogger("export.local_server")


class ConfigWatch:
    """Looks at the file on a thread of its own; a file that is not right changes nothing.

    Args:
        path: the file.
        period_secs: between two looks.
        reload: takes a new configuration over.
    """

    def __init__(
        self, path: Path, period_secs: float, reload: Callable[[ModelConfigList], None]
    ) -> None:
        self._path = path
        self._period_secs = period_secs
        self._reload = reload
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="config watch", daemon=True)

    def start(self) -> None:
        """Begins to look; what is in the file now is known already."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the looking."""
        self._stopping.set()

    def _watch(self) -> None:
        seen = self._content()
        while not self._stopping.wait(self._period_secs):
            found = self._content()
            if found == seen:
                continue
            seen = found
            try:
                self._reload(read_config_file(self._path))
                LOG.info("%s: taken over", self._path)
            except (ValueError, StatusError) as error:
                LOG.warning("%s: %s", self._path, error)

    def _content(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except OSError:
            return None
