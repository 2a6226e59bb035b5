"""Warm-up requests: a server answers them while it loads a version, before it takes real ones.

The first request of each signature and batch size is the slow one. A request that fails here
fails the load, so that a broken version never replaces a good one.
Format: `assets.extra/tf_serving_warmup_requests`, a TFRecord file of serialized PredictionLog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from export.saved_model.tensors import made_up_input

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000  # a server refuses more


def warmup_records(
    signatures: Mapping[str, meta_graph_pb2.SignatureDef], batch_sizes: Sequence[int]
) -> list[prediction_log_pb2.PredictionLog]:
    """A made-up request for each signature and batch size.

    Args:
        signatures: by name.
        batch_sizes: those that the server will run; with batching its `allowed_batch_sizes`.

    Raises:
        ValueError: sizes that are none, or more records than a server takes.
    """
    if not batch_sizes or min(batch_sizes) < 1 or len(set(batch_sizes)) < len(batch_sizes):
        raise ValueError(
            "`warmup_batch_sizes` must be different numbers of at least 1. "
            f"Received: {list(batch_sizes)}. Name the server's allowed_batch_sizes."
        )
    if len(batch_sizes) * len(signatures) > MAX_RECORDS:
        raise ValueError(
            f"`warmup_batch_sizes` must make {MAX_RECORDS} requests at most. Received: "
            f"{len(batch_sizes)} sizes for {len(signatures)} signatures. Name fewer."
        )
    return [
        _record(name, signature, batch_size)
        for name, signature in signatures.items()
        for batch_size in batch_sizes
    ]


def _record(
    name: str, signature: meta_graph_pb2.SignatureDef, batch_size: int
) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = name
    for alias, info in signature.inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(made_up_input(info, batch_size)))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def write_warmup_file(
    directory: str | Path, records: Sequence[prediction_log_pb2.PredictionLog]
) -> None:
    """Writes the records into the version folder of a SavedModel."""
    path = Path(directory) / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record.SerializeToString())
