"""Warm-up: requests that a model brings along are run before it serves, as the stock server does.

They are a TFRecord file of serialized PredictionLog messages in the version's folder
(tensorflow_serving/apis/prediction_log.proto). A request that fails makes the load fail with its
own error, so that a model whose graph cannot run here never becomes available.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from export.local_server.models.tfrecords import read_records
from export.tensorflow_c.status import StatusError

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MOST_RECORDS = 1000

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def _records(path: Path) -> Iterator[bytes]:
    """The records of the file. Raises DATA_LOSS where it is no TFRecord file, or is damaged."""
    try:
        yield from read_records(path)
    except ValueError as error:
        raise StatusError(
            grpc.StatusCode.DATA_LOSS,
            f"{error}. Please verify your warmup data is in TFRecord format.",
        ) from None


def _parse(record: bytes, path: Path) -> PredictionLog:
    try:
        return PredictionLog.FromString(record)
    except DecodeError:
        text = record.decode("utf-8", "replace")
        raise StatusError(INVALID, f"Failed to parse warmup record: {text} from {path}") from None


def replay_warmup(version_folder: str | Path, predict: Callable[[PredictRequest], object]) -> None:
    """Runs the warm-up requests of a version, if it has any.

    Args:
        version_folder: `<model>/<version>`.
        predict: answers one request; the model name in it says nothing.

    Raises:
        StatusError: the file is no TFRecord file, holds what cannot be run or too much, or
            `predict` raised it.
    """
    path = Path(version_folder) / WARMUP_FILE
    if not path.is_file():
        return
    for count, record in enumerate(_records(path), start=1):
        log = _parse(record, path)
        kind = log.WhichOneof("log_type")
        if kind == "predict_log":
            predict(log.predict_log.request)
        elif kind is not None:  # the local server answers Predict only
            number = PredictionLog.DESCRIPTOR.fields_by_name[kind].number
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}"
            )
        if count > MOST_RECORDS:
            raise StatusError(
                INVALID, f"Number of warmup records exceeds the maximum ({MOST_RECORDS}) at {path}"
            )
