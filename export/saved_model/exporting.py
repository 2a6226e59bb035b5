"""Export of a run's checkpoint to a version that a server loads, step by step."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from export.saved_model.check.graph_scan import read_meta_graph
from export.saved_model.check.load_check import Report, check_saved_model
from export.saved_model.model_card import ModelFacts, read_evaluation, skeleton_asset, write_cards
from export.saved_model.signatures import ServedGenerator
from export.saved_model.tensors import signatures_of
from export.saved_model.version_folder import check_version_is_free, new_version, publish
from export.saved_model.warmup import warmup_records, write_warmup_file
from psgan_tf import __version__
from psgan_tf.common.files import json_text
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.training.checkpoints import RunWeights, load_run_weights
from psgan_tf.training.config import TrainingConfig, load_options
from psgan_tf.training.schedule import GrowthState, build_schedule

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


class Exported(NamedTuple):
    """A version that was written, and how its signatures answered."""

    directory: Path
    report: Report


def export_run(
    run_dir: str | Path,
    model_dir: str | Path,
    *,
    checkpoint: int | None = None,
    version: int | None = None,
    precision: str = "float32",
    warmup_batch_sizes: Sequence[int] = (1,),
) -> Exported:
    """Writes the averaged generator of a run as a new version of a model, checked and whole.

    Args:
        run_dir: of the training run.
        model_dir: folder of the model's versions; made when absent.
        checkpoint: images shown at the one to take; None for the newest whole one.
        version: number of the new version; None for the next free one.
        precision: `float32` or `bfloat16`, whatever it was trained in.
        warmup_batch_sizes: a server runs each signature at these when it loads the model.

    Raises:
        ValueError: something of that does not fit, or the check found the model wanting; no
            version is written then.
    """
    check_version_is_free(model_dir, version)
    options, data = load_options(run_dir), DatasetCard.load(run_dir)
    evaluation = read_evaluation(run_dir)
    weights = load_run_weights(run_dir, checkpoint)
    growth = build_schedule(options).growth_in_phase(weights.phase_index, weights.images_shown)
    alpha = growth.alpha if growth.phase.fading else None
    generator = weights.averaged(_POLICIES[precision])
    description = json_text(description_for_clients(weights, data))
    served = ServedGenerator(generator, growth.phase.resolution, alpha, description)
    with new_version(model_dir) as folder:
        tf.saved_model.save(served, str(folder), signatures=served.signatures)
        signatures = signatures_of(read_meta_graph(folder))
        write_warmup_file(folder, warmup_records(signatures, warmup_batch_sizes))
        facts = _facts(options, weights, growth, precision, served, signatures)
        write_cards(folder, facts, data, evaluation)
        report = check_saved_model(folder)
        if report.problems:
            raise ValueError(
                "The exported model would not be served, and was not kept: "
                f"{'; '.join(report.problems)}"
            )
        return Exported(publish(folder, version), report)


def description_for_clients(weights: RunWeights, data: DatasetCard) -> dict[str, Any]:
    """What the signature `describe` answers: how poses are given, and whose weights these are."""
    return {
        "skeleton": skeleton_asset(data, weights.network.num_keypoints),
        "fingerprint": weights.fingerprint,
        "images_shown": weights.images_shown,
        "licence": data.licence,
        "credits": data.credits,
    }


def _facts(
    options: TrainingConfig,
    weights: RunWeights,
    growth: GrowthState,
    precision: str,
    served: ServedGenerator,
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> ModelFacts:
    now = datetime.datetime.now(datetime.UTC)
    return ModelFacts(
        resolution=growth.phase.resolution,
        alpha=growth.alpha if growth.phase.fading else None,
        latent_size=options.network.latent_size,
        num_keypoints=options.network.num_keypoints,
        keypoint_frame=options.network.keypoint_frame,
        precision=precision,
        parameters=sum(variable.shape.num_elements() for variable in served.weights),
        images_shown=weights.images_shown,
        phase=growth.phase.name,
        checkpoint=Path(weights.path).name,
        fingerprint=weights.fingerprint,
        signatures={name: _forms(signature) for name, signature in signatures.items()},
        software={"psgan_tf": __version__, "tensorflow": tf.__version__},
        exported_utc=now.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00"),
    )


def _forms(signature: meta_graph_pb2.SignatureDef) -> dict[str, dict[str, str]]:
    """Types and shapes of a signature's inputs and outputs, as `float32 [N, 20, 3]`."""

    def form(info: meta_graph_pb2.TensorInfo) -> str:
        sizes = [dim.size for dim in info.tensor_shape.dim]
        shape = ", ".join("N" if size < 0 else str(size) for size in sizes)
        return f"{tf.dtypes.as_dtype(info.dtype).name} [{shape}]"

    return {
        "inputs": {alias: form(info) for alias, info in sorted(signature.inputs.items())},
        "outputs": {alias: form(info) for alias, info in sorted(signature.outputs.items())},
    }
