"""Rendezvous of workers before TensorFlow starts; compares their settings.

TensorFlow's own start waits for its peers where no signal reaches it, and compares nothing;
workers that differ would train apart or wait for ever. So all first call at the chief's address,
each with what must be the same everywhere: one line of JSON there, one line back.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from psgan_tf.common.files import parse_json
from psgan_tf.common.progress import duration
from psgan_tf.training.distributed.cluster import VARIABLE, Cluster, host_and_port

WAIT_SECS = 600.0
_POLL_SECS = 0.2
# A caller's line takes no longer; what else finds the port may say nothing that ends in one.
_LINE_SECS = 5.0
_LINE_BYTES = 1 << 20


class _StoppedError(Exception):
    """Somebody asked to stop while we waited."""


def meet(
    cluster: Cluster,
    facts: Mapping[str, str],
    stop: Callable[[], bool],
    wait_secs: float = WAIT_SECS,
) -> bool:
    """Waits until all workers are there, and compares their facts.

    Args:
        cluster: all of them.
        facts: what must be the same for all workers, by the setting's name.
        stop: asked while waiting.
        wait_secs: how long to wait for the others.

    Returns:
        True once all have met, False when `stop()` came before.

    Raises:
        ValueError: this worker's port is taken, a worker does not come in time, or one has
            other facts, which then all workers say.
    """
    facts = {VARIABLE: ",".join(cluster.addresses), **facts}
    with _own_port(cluster) as server:
        try:
            if cluster.is_chief:
                refusal = _ChiefServer(cluster, server).hear_all(facts, stop, wait_secs)
            else:
                refusal = _call_chief(cluster, facts, stop, wait_secs)
        except _StoppedError:
            return False
    if refusal:
        raise ValueError(refusal)
    return True


def _own_port(cluster: Cluster) -> socket.socket:
    """Takes the port that TensorFlow will listen on, and so finds out whether it is free."""
    _, port = host_and_port(cluster.addresses[cluster.index])
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual)
    except OSError as error:
        raise ValueError(
            f"`{VARIABLE}` must give each worker a free port. Received: {port} for worker "
            f"{cluster.index} ({error.strerror}). End what listens there, or choose another."
        ) from None


class _ChiefServer:
    """The chief's side: hears each worker, then answers all with the same line.

    Args:
        cluster: all workers.
        server: listens at the chief's port.
    """

    def __init__(self, cluster: Cluster, server: socket.socket) -> None:
        self._cluster = cluster
        self._server = server
        self._calls: dict[int, socket.socket] = {}
        self._told: dict[int, Mapping[str, str]] = {}

    def hear_all(
        self, facts: Mapping[str, str], stop: Callable[[], bool], wait_secs: float
    ) -> str | None:
        """Why the workers cannot train together, None if they can."""
        self._server.settimeout(_POLL_SECS)
        try:
            for _ in _until(stop, wait_secs):
                if not self._missing():
                    return self._answer(_difference(facts, self._told))
                self._hear()
            raise ValueError(_late(self._cluster, self._missing(), wait_secs))
        finally:
            for call in self._calls.values():
                call.close()

    def _missing(self) -> list[int]:
        """Workers that have not called, or have ended since."""
        for index, call in list(self._calls.items()):
            if _has_ended(call):
                self._calls.pop(index).close()
        return [i for i in range(1, self._cluster.num_workers) if i not in self._calls]

    def _hear(self) -> None:
        try:
            call, _ = self._server.accept()
        except TimeoutError:
            return
        try:
            words = _read_line(call)
            index, facts = int(words["worker"]), dict(words["facts"])
        except (OSError, ValueError, KeyError, TypeError):
            # A stranger, or TensorFlow of a worker that has not noticed that we ended before.
            call.close()
            return
        if index in self._calls:
            self._calls[index].close()
        self._calls[index], self._told[index] = call, facts

    def _answer(self, refusal: str | None) -> str | None:
        for call in self._calls.values():
            with contextlib.suppress(OSError):
                _write_line(call, {"refusal": refusal})
        return refusal


def _call_chief(
    cluster: Cluster, facts: Mapping[str, str], stop: Callable[[], bool], wait_secs: float
) -> str | None:
    """A worker's side: calls until the chief answers, also one that is restarted meanwhile."""
    chief = host_and_port(cluster.addresses[0])
    for secs_left in _until(stop, wait_secs):
        try:
            with socket.create_connection(chief, timeout=_LINE_SECS) as call:
                _write_line(call, {"worker": cluster.index, "facts": dict(facts)})
                _await_line(call, stop, secs_left)
                refusal: str | None = _read_line(call)["refusal"]
                return refusal
        except (OSError, ValueError, KeyError, TypeError):
            time.sleep(_POLL_SECS)
    raise ValueError(_late(cluster, [0], wait_secs))


def _difference(own: Mapping[str, str], told: Mapping[int, Mapping[str, str]]) -> str | None:
    for index, facts in sorted(told.items()):
        for name in own:
            if facts.get(name) != own[name]:
                return (
                    f"`{name}` must be the same for all workers. Received: {own[name]} at worker "
                    f"0, {facts.get(name)} at worker {index}. Start all with the same flags, and "
                    "with folders that all of them see."
                )
    return None


def _late(cluster: Cluster, missing: list[int], wait_secs: float) -> str:
    who = ", ".join(f"{index} at {cluster.addresses[index]}" for index in missing)
    return (
        f"`{VARIABLE}` must name workers that all start. Received: no word from worker {who} "
        f"within {duration(wait_secs)}. Start it, or correct its address."
    )


def _until(stop: Callable[[], bool], secs: float) -> Iterator[float]:
    """Seconds left, again and again until there are none."""
    end_secs = time.monotonic() + secs
    while (left_secs := end_secs - time.monotonic()) > 0:
        if stop():
            raise _StoppedError
        yield left_secs


def _await_line(call: socket.socket, stop: Callable[[], bool], secs: float) -> None:
    call.settimeout(_POLL_SECS)
    for _ in _until(stop, secs):
        with contextlib.suppress(TimeoutError):
            call.recv(1, socket.MSG_PEEK)
            return


def _has_ended(call: socket.socket) -> bool:
    call.setblocking(False)
    try:
        return not call.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _read_line(call: socket.socket) -> dict[str, Any]:
    call.settimeout(_LINE_SECS)
    with call.makefile("rb") as file:
        return dict(parse_json(file.readline(_LINE_BYTES).decode("utf-8")))


def _write_line(call: socket.socket, words: dict[str, Any]) -> None:
    call.settimeout(_LINE_SECS)
    call.sendall(json.dumps(words).encode() + b"\n")
