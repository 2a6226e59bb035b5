"""Batching parameters: the stock server's `--batching_parameters_file`, checked as it checks it.

The file is text format, `max_batch_size { value: 4 }` for a single value and a plain
`allowed_batch_sizes: 2` for each of a list. What is left out has the stock server's default.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export.local_server.text_protos import declare_messages, read_text_proto

PER_MODEL_FILE = "batching_params.pbtxt"

# Field numbers of session_bundle_config.proto; the wrapper messages are those of protobuf.
_MESSAGES = declare_messages(
    "batching_parameters.proto",
    {
        "Int64Value": {"value": (1, "int64")},
        "StringValue": {"value": (1, "string")},
        "BoolValue": {"value": (1, "bool")},
        "BatchingParameters": {
            "max_batch_size": (1, "Int64Value"),
            "batch_timeout_micros": (2, "Int64Value"),
            "max_enqueued_batches": (3, "Int64Value"),
            "num_batch_threads": (4, "Int64Value"),
            "thread_pool_name": (5, "StringValue"),
            "allowed_batch_sizes": (6, "repeated int64"),
            "pad_variable_length_inputs": (7, "bool"),
            "enable_large_batch_splitting": (8, "BoolValue"),
            "max_execution_batch_size": (9, "Int64Value"),
        },
    },
)


@dataclass(frozen=True)
class BatchingParameters:
    """How requests are put together.

    Attributes:
        max_batch_size: of one request, in examples, and of a batch unless that has its own limit.
        batch_timeout_micros: how long the first request of a batch waits for others.
        max_enqueued_batches: batches of a queue that may wait, the one being filled included.
        num_batch_threads: batches that run at once, over all models and signatures.
        thread_pool_name: of those threads.
        allowed_batch_sizes: what a batch is filled up to with copies of a row; empty for any size.
        pad_variable_length_inputs: requests of different inner sizes are padded to the largest.
        enable_large_batch_splitting: a request may be spread over several batches.
        max_execution_batch_size: of a batch, where requests are split; None for max_batch_size.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            _check_at_least(name, getattr(self, name), 1, "must be positive")
        _check_at_least(
            "batch_timeout_micros", self.batch_timeout_micros, 0, "must be non-negative"
        )
        if self.max_execution_batch_size is not None:
            _check_at_least(
                "max_execution_batch_size", self.max_execution_batch_size, 1, "must be positive"
            )
            if self.max_execution_batch_size > self.max_batch_size:
                raise ValueError(
                    "`max_batch_size` must be greater than or equal to max_execution_batch_size. "
                    f"Received: max_batch_size {self.max_batch_size}, max_execution_batch_size "
                    f"{self.max_execution_batch_size}. Raise the one or lower the other."
                )
        _check_allowed_sizes(self.allowed_batch_sizes, self.batch_size_limit)

    @property
    def batch_size_limit(self) -> int:
        """The largest batch that is run."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size

    def padded_size(self, size: int) -> int:
        """What a batch of `size` examples is filled up to: the next allowed size."""
        return next((allowed for allowed in self.allowed_batch_sizes if allowed >= size), size)


def _check_at_least(name: str, value: int, least: int, rule: str) -> None:
    if value < least:
        raise ValueError(
            f"`{name}` {rule}. Received: {value}. Write a number of {least} or more, or leave it "
            "out for the default."
        )


def _check_allowed_sizes(sizes: tuple[int, ...], limit: int) -> None:
    if any(after <= before for before, after in zip((0, *sizes), sizes, strict=False)):
        raise ValueError(
            "`allowed_batch_sizes` entries must be monotonically increasing. "
            f"Received: {list(sizes)}. Write positive sizes from the smallest to the largest."
        )
    if sizes and sizes[-1] != limit:
        raise ValueError(
            "`allowed_batch_sizes`: Last entry in allowed_batch_sizes must match max_batch_size; "
            f"last entry was {sizes[-1]}; expected {limit}. Received: {list(sizes)}. "
            f"Add {limit} at the end, or change the limit."
        )


def _parameters_of_message(message: Any) -> BatchingParameters:
    """The parameters that are in the message; the others keep their defaults."""
    values: dict[str, Any] = {}
    for descriptor, value in message.ListFields():
        if descriptor.label == descriptor.LABEL_REPEATED:
            values[descriptor.name] = tuple(value)
        else:
            values[descriptor.name] = getattr(value, "value", value)
    return BatchingParameters(**values)


def read_batching_parameters(path: str | Path) -> BatchingParameters:
    """Reads and checks a batching parameters file.

    Raises:
        ValueError: it cannot be read, is no such file, or breaks a rule of the stock server.
    """
    message = read_text_proto(path, _MESSAGES["BatchingParameters"]())
    try:
        return _parameters_of_message(message)
    except ValueError as error:
        raise ValueError(f"`{path}`: {error}") from None


def per_model_parameters(
    version_folder: str | Path, shared: BatchingParameters
) -> BatchingParameters:
    """The parameters of one version: its own `batching_params.pbtxt`, else the shared ones.

    The threads stay the shared ones, since all models share them.
    """
    path = Path(version_folder) / PER_MODEL_FILE
    return read_batching_parameters(path) if path.is_file() else shared
