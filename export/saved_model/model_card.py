"""Model card of an export: whose pictures it learned from, its inputs, licence and credits.

`model_card.json` for programs and `README.md` for people lie in the version folder, and the
keypoint schema in `assets/skeleton.json`. Imports no TensorFlow.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from psgan_tf.common.files import json_text, read_json, write_atomically
from psgan_tf.data.dataset_card import DatasetCard

CARD_FILE = "model_card.json"
README_FILE = "README.md"
SKELETON_FILE = Path("assets", "skeleton.json")


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """What an exported model is.

    Args:
        resolution: of its pictures, in pixels.
        alpha: weight of the last layers where they were still being faded in, else None.
        latent_size: Z.
        num_keypoints: M, 0 for a model without poses.
        keypoint_frame: size in pixels of the square that keypoints are measured in.
        precision: `float32` or `bfloat16`.
        parameters: number of weights.
        images_shown: to the networks when the checkpoint was written.
        phase: of training, as `32x32 stabilize`.
        checkpoint: its name, as `ckpt-138000`.
        fingerprint: of the averaged generator in the checkpoint, as in character files.
        signatures: by name, what each takes and gives.
        software: versions by name.
        exported_utc: date and time.
    """

    resolution: int
    alpha: float | None
    latent_size: int
    num_keypoints: int
    keypoint_frame: int
    precision: str
    parameters: int
    images_shown: int
    phase: str
    checkpoint: str
    fingerprint: str
    signatures: dict[str, dict[str, dict[str, str]]]
    software: dict[str, str]
    exported_utc: str


def read_evaluation(run_dir: str | Path) -> dict[str, Any] | None:
    """What `psgan_tf.evaluate` measured last in a run; None where it never did."""
    path = Path(run_dir) / "evaluation.json"
    return read_json(path) if path.is_file() else None


def skeleton_asset(data: DatasetCard, num_keypoints: int) -> dict[str, Any]:
    """The keypoints that a model takes: `skeleton.json` of a dataset folder with some more.

    Args:
        data: card of the dataset.
        num_keypoints: M; a model without poses has an empty list of keypoints.
    """
    schema = data.skeleton.to_json()
    if not num_keypoints:
        schema |= {"schema": "none", "keypoints": [], "mirror_pairs": [], "limbs": []}
    known = {"rest_skeleton": data.rest_skeleton, "camera": data.camera}
    return {
        **schema,
        "image_size": [data.keypoint_frame, data.keypoint_frame],
        "keypoint_frame": data.keypoint_frame,
        **{name: value for name, value in known.items() if value is not None},
    }


def model_card(
    facts: ModelFacts, data: DatasetCard, evaluation: dict[str, Any] | None
) -> dict[str, Any]:
    """The card as JSON values."""
    return {
        "format": 1,
        "model": dataclasses.asdict(facts),
        "data": {
            "name": data.name,
            "source": data.source,
            "licence": data.licence,
            "credits": data.credits,
            "schema": data.skeleton.name,
            "pictures": {name: split.examples for name, split in data.splits.items()},
        },
        "evaluation": evaluation,
    }


def _plain(value: Any) -> str:
    """A card's entry, whatever its form, as text on one line."""
    if value is None or value in ("", [], {}):
        return "not stated"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_plain(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_plain(entry) for entry in value)
    return " ".join(str(value).split())


def _signature_rows(signatures: dict[str, dict[str, dict[str, str]]]) -> list[str]:
    def cell(tensors: dict[str, str]) -> str:
        return ", ".join(f"`{alias}` {form}" for alias, form in tensors.items())

    rows = [
        f"| `{name}` | {cell(forms['inputs'])} | {cell(forms['outputs'])} |"
        for name, forms in signatures.items()
    ]
    return ["| signature | takes | gives |", "|---|---|---|", *rows]


def _overlap_rows(evaluation: dict[str, Any]) -> list[str]:
    """The table of `psgan_tf.evaluate`."""
    overlap = evaluation["overlap"]
    columns = list(next(iter(overlap.values()), {}))
    rows = [
        f"| {name} | " + " | ".join(f"{row[column]:.3f}" for column in columns) + " |"
        for name, row in overlap.items()
    ]
    return [
        "| pictures | " + " | ".join(column.replace("_", " ") for column in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
        *rows,
    ]


def readme(facts: ModelFacts, data: DatasetCard, evaluation: dict[str, Any] | None) -> str:
    """The card as Markdown."""
    fade = "" if facts.alpha is None else f", its last layers faded in to {facts.alpha:.3f}"
    pose = f"a pose of {facts.num_keypoints} keypoints (`{data.skeleton.name}`), in pixels of a "
    pose += f"{facts.keypoint_frame} x {facts.keypoint_frame} picture"
    lines = [
        f"# {data.name}: characters at {facts.resolution} x {facts.resolution}",
        "",
        f"A PSGAN generator: from {facts.latent_size} normal numbers, the character, and "
        f"{pose if facts.num_keypoints else 'no pose'} to a picture.",
        "",
        f"- Data: {_plain(data.source)}. Licence: {_plain(data.licence)}. "
        f"Credits: {_plain(data.credits)}.",
        f"- Training: {facts.images_shown:,} images shown, {facts.phase}{fade}. Checkpoint "
        f"{facts.checkpoint}, fingerprint {facts.fingerprint}; the moving average of its weights.",
        f"- Computes in {facts.precision}; {facts.parameters:,} weights.",
        f"- Exported {facts.exported_utc} with "
        + ", ".join(f"{name} {version}" for name, version in facts.software.items())
        + ".",
        "",
        *_signature_rows(facts.signatures),
        "",
    ]
    if evaluation is not None:
        lines += [
            f"Mean overlap of silhouettes after {evaluation['images_shown']:,} images, beside what "
            "ignores the pose:",
            "",
            *_overlap_rows(evaluation),
            "",
        ]
    return "\n".join(lines)


def write_cards(
    directory: str | Path,
    facts: ModelFacts,
    data: DatasetCard,
    evaluation: dict[str, Any] | None,
) -> None:
    """Writes both cards and the skeleton into the version folder of a SavedModel."""
    folder = Path(directory)
    skeleton = folder / SKELETON_FILE
    skeleton.parent.mkdir(exist_ok=True)
    write_atomically(skeleton, json_text(skeleton_asset(data, facts.num_keypoints)))
    write_atomically(folder / CARD_FILE, json_text(model_card(facts, data, evaluation)))
    write_atomically(folder / README_FILE, readme(facts, data, evaluation))
