"""The machines that train together, as TensorFlow's variable TF_CONFIG names them."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from psgan_tf.common.files import parse_json

VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers of one training.

    Args:
        addresses: `host:port` of each; the first one is the chief's.
        index: which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def num_workers(self) -> int:
        """Number of processes that train together."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes checkpoints, samples and logs."""
        return self.index == 0

    @classmethod
    def from_environment(cls) -> Cluster:
        """The cluster that TF_CONFIG describes.

        Raises:
            ValueError: when it is missing, no JSON, or describes no worker of a cluster.
        """
        text = os.environ.get(VARIABLE, "")
        if not text:
            raise ValueError(
                f"`{VARIABLE}` must name all workers under --multi_worker. Received: nothing. "
                f"Set it on each machine to the likes of {_EXAMPLE}."
            )
        try:
            return cls._from_json(parse_json(text))
        except ValueError as error:
            raise ValueError(
                f"`{VARIABLE}` must be of the form {_EXAMPLE}. Received: {error}. Correct it."
            ) from None

    @classmethod
    def _from_json(cls, document: Any) -> Cluster:
        jobs = _member(document, "cluster", dict)
        addresses = tuple(_member(jobs, "worker", list))
        others = sorted(set(jobs) - {"worker"})
        if others:
            raise ValueError(f"a job {others[0]!r}, where the first worker is the chief")
        for address in addresses:
            host_and_port(address)
        if not addresses or len(set(addresses)) != len(addresses):
            raise ValueError(f"{len(set(addresses))} addresses of {len(addresses)} workers")
        task = _member(document, "task", dict)
        if _member(task, "type", str) != "worker":
            raise ValueError(f"a task of type {task['type']!r:.60}")
        index = _member(task, "index", int)
        if not 0 <= index < len(addresses):
            raise ValueError(f"index {index} with {len(addresses)} workers")
        return cls(addresses, index)


def host_and_port(address: Any) -> tuple[str, int]:
    """`first:2222` as `("first", 2222)`.

    Raises:
        ValueError: it is no address with a port.
    """
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"an address {address!r:.60}")
    return host.strip("[]"), int(port)


def _member(document: Any, name: str, kind: type) -> Any:
    value = document.get(name) if isinstance(document, dict) else None
    if value is None:
        raise ValueError(f"no `{name}`")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"`{name}` of {value!r:.60}")
    return value
