"""What travels with an exported model: warm-up requests, model card, keypoint schema."""

import dataclasses
import json

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from export.saved_model.check.graph_scan import read_meta_graph
from export.saved_model.check.job import Request
from export.saved_model.check.load_check import run_requests
from export.saved_model.model_card import ModelFacts, model_card, readme, skeleton_asset
from export.saved_model.tensors import signatures_of
from export.saved_model.warmup import WARMUP_FILE, warmup_records, write_warmup_file
from psgan_tf.data.dataset_card import DatasetCard, Split
from psgan_tf.keypoints.dataset_folder import read_skeleton
from psgan_tf.keypoints.schema import skeleton_named
from psgan_tf.training.checkpoints import load_run_weights
from tiny_data import SKELETON

FACTS = ModelFacts(
    resolution=256,
    alpha=None,
    latent_size=512,
    num_keypoints=20,
    keypoint_frame=1024,
    precision="float32",
    parameters=1234567,
    images_shown=138000,
    phase="256x256 stabilize",
    checkpoint="ckpt-138000",
    fingerprint="0123456789abcdef",
    signatures={
        "from_seed": {
            "inputs": {"keypoints": "float32 [N, 20, 3]", "seeds": "int64 [N]"},
            "outputs": {"png_bytes": "string [N]"},
        }
    },
    software={"psgan_tf": "0.1.0", "tensorflow": "2.15.1"},
    exported_utc="2026-01-02 03:04:05",
)
DATA = DatasetCard(
    "godette",
    skeleton_named("avatar20"),
    1024,
    (4, 8),
    {"train": Split(1680, (1680,), {}), "test": Split(336, (336,), {})},
    licence={"name": "CC BY 3.0", "pictures": ["resized"]},
    credits=["Somebody", "Somebody\nElse"],
    source="https://example.org/a",
    rest_skeleton={"hips": [0, 0.9, 0]},
    camera={"fov_deg": 30},
)
EVALUATION = {
    "images_shown": 130000,
    "overlap": {"train": {"same_pose": 0.79, "real_shuffled": 0.5111}},
}


def records_of(directory):
    path = str(directory / WARMUP_FILE)
    return [PredictionLog.FromString(r.numpy()) for r in tf.data.TFRecordDataset(path)]


def test_there_is_a_warm_up_request_for_each_signature_and_batch_size(tiny_model, tmp_path):
    signatures = signatures_of(read_meta_graph(tiny_model))
    write_warmup_file(tmp_path, warmup_records(signatures, [1, 2, 8]))
    requests = [record.predict_log.request for record in records_of(tmp_path)]
    asked = [(r.model_spec.signature_name, dim_of(r)) for r in requests]
    assert sorted(asked) == sorted((name, size) for name in signatures for size in (1, 2, 8))


def dim_of(request):
    """The one batch size of all inputs of a request."""
    (size,) = {tensor.tensor_shape.dim[0].size for tensor in request.inputs.values()}
    return size


def test_the_warm_up_requests_are_answered(tiny_model):
    signatures = read_meta_graph(tiny_model).signature_def
    records = records_of(tiny_model)
    assert len(records) == 6
    requests = []
    for record in records:
        request = record.predict_log.request
        signature = signatures[request.model_spec.signature_name]
        assert set(request.inputs) == set(signature.inputs)
        feeds = {
            signature.inputs[alias].name: tf.make_ndarray(proto)
            for alias, proto in request.inputs.items()
        }
        requests.append(Request(feeds, [info.name for info in signature.outputs.values()]))
    load_error, answers = run_requests(tiny_model, requests)
    assert load_error is None
    assert [answer for answer in answers if isinstance(answer, Exception)] == []


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "`warmup_batch_sizes` must be different numbers of at least 1"),
        ([0, 1], "`warmup_batch_sizes` must be different numbers of at least 1"),
        ([2, 2], "`warmup_batch_sizes` must be different numbers of at least 1"),
        (list(range(1, 168)), "must make 1000 requests at most. Received: 167 sizes for 6"),
    ],
)
def test_batch_sizes_that_a_server_could_not_warm_up_are_refused(tiny_model, sizes, message):
    with pytest.raises(ValueError, match=message):
        warmup_records(signatures_of(read_meta_graph(tiny_model)), sizes)


def test_the_exported_cards_say_what_was_exported(tiny_run, tiny_model):
    card = json.loads((tiny_model / "model_card.json").read_text(encoding="utf-8"))
    weights = load_run_weights(tiny_run)
    model = card["model"]
    expected = {"resolution": 8, "alpha": 0.25, "latent_size": 8, "num_keypoints": 3}
    expected |= {"keypoint_frame": 16, "precision": "float32", "images_shown": 20}
    expected |= {"phase": "8x8 fade", "checkpoint": "ckpt-20"}
    expected |= {"fingerprint": weights.fingerprint}
    assert {name: model[name] for name in expected} == expected
    # All weights are in use while the last layers fade in.
    assert model["parameters"] == sum(w.size for w in weights.averaged_generator.values())
    assert model["signatures"]["interpolate"]["inputs"] == {
        "keypoints": "float32 [N, 3, 3]",
        "latents_a": "float32 [N, 8]",
        "latents_b": "float32 [N, 8]",
        "t": "float32 [N]",
    }
    assert card["data"]["pictures"] == {"train": 24}
    assert card["evaluation"] is None
    text = (tiny_model / "README.md").read_text(encoding="utf-8")
    assert "| `interpolate` | `keypoints` float32 [N, 3, 3], `latents_a` float32 [N, 8]" in text
    assert "its last layers faded in to 0.250" in text


def test_the_skeleton_reads_back_as_that_of_a_dataset_folder(tiny_model):
    skeleton, image_size = read_skeleton(tiny_model / "assets" / "skeleton.json")
    assert (skeleton, image_size) == (SKELETON, (16, 16))


def test_the_skeleton_carries_frame_rest_pose_and_camera_where_they_are_known():
    asset = skeleton_asset(DATA, 20)
    assert asset["keypoints"][0] == "hips"
    assert asset["keypoint_frame"] == 1024
    assert asset["rest_skeleton"] == {"hips": [0, 0.9, 0]}
    assert asset["camera"] == {"fov_deg": 30}
    assert skeleton_asset(DATA, 0)["keypoints"] == []
    unknown = skeleton_asset(dataclasses.replace(DATA, camera=None), 20)
    assert "camera" not in unknown


def test_the_card_carries_licence_credits_and_what_was_measured():
    card = model_card(FACTS, DATA, EVALUATION)
    assert card["data"]["licence"] == {"name": "CC BY 3.0", "pictures": ["resized"]}
    assert card["data"]["credits"] == ["Somebody", "Somebody\nElse"]
    assert card["evaluation"] == EVALUATION
    text = readme(FACTS, DATA, EVALUATION)
    for part in (
        "# godette: characters at 256 x 256\n",
        "Licence: name: CC BY 3.0; pictures: resized. Credits: Somebody; Somebody Else.",
        "138,000 images shown, 256x256 stabilize. Checkpoint ckpt-138000, fingerprint 01234567",
        "Mean overlap of silhouettes after 130,000 images",
        "| pictures | same pose | real shuffled |\n|---|---|---|\n| train | 0.790 | 0.511 |\n",
        "| `from_seed` | `keypoints` float32 [N, 20, 3], `seeds` int64 [N] | `png_bytes` string",
    ):
        assert part in text


def test_what_a_card_does_not_know_is_not_stated():
    text = readme(FACTS, dataclasses.replace(DATA, licence=None, credits=[], source=""), None)
    assert "Data: not stated. Licence: not stated. Credits: not stated." in text
    assert "overlap" not in text
    without_pose = readme(dataclasses.replace(FACTS, num_keypoints=0), DATA, None)
    assert "and no pose to a picture" in without_pose
