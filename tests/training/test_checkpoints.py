"""Damaged checkpoints, weights of a run, transfer to another architecture."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.keypoints.schema import Skeleton
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.weights import dump_weights, named_variables
from psgan_tf.training.checkpoints import (
    CHECKPOINTS,
    CheckpointStore,
    load_run_weights,
    new_state,
    newest_whole_checkpoint,
)
from psgan_tf.training.config import TrainingConfig, to_json
from psgan_tf.training.optimizers import averaged_value
from psgan_tf.training.run import take_weights

NETWORK = NetworkConfig(
    resolution=8, num_keypoints=3, keypoint_frame=8, latent_size=4, fmap_base=16, fmap_max=4
)
SKELETON = Skeleton("three", ("root", "left", "right"))


@pytest.fixture
def run_dir(tmp_path):
    """A run with checkpoints at 100 and 200 images, the average apart from the weights."""
    config = TrainingConfig(NETWORK, "data", str(tmp_path))
    (tmp_path / "options.json").write_text(to_json(config))
    DatasetCard("three", SKELETON, 8, (4, 8), {}).save(tmp_path)
    state = new_state(NETWORK, ema_decay=0.999)
    store = CheckpointStore(tmp_path, state, keep=3)
    for images in (100, 200):
        state.images_shown.assign(images)
        for variable in state.generator.trainable_variables:
            average = averaged_value(state.generator_optimizer, variable)
            average.assign(average + 0.5)
        store.save()
    return tmp_path


def damage(path, how):
    if how == "cut short":
        os.truncate(path, path.stat().st_size // 2)
    elif how == "empty":
        os.truncate(path, 0)
    elif how == "gone":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x40
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut short", "empty", "gone", "one bit flipped"])
@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(run_dir, how, part, caplog):
    damage(run_dir / CHECKPOINTS / f"ckpt-200.{part}", how)
    newest = newest_whole_checkpoint(run_dir / CHECKPOINTS)
    assert newest.endswith("ckpt-100")
    state = new_state(NETWORK, ema_decay=0.999)
    CheckpointStore(run_dir, state, keep=3).restore(newest)
    assert int(state.images_shown.numpy()) == 100
    if not (part == "index" and how == "gone"):
        assert "200 images is damaged" in caplog.text


def test_when_all_checkpoints_are_damaged_nothing_starts_over_silently(run_dir):
    for path in (run_dir / CHECKPOINTS).glob("*.data*"):
        damage(path, "cut short")
    with pytest.raises(ValueError, match=r"2 in .*, all damaged"):
        newest_whole_checkpoint(run_dir / CHECKPOINTS)


def test_without_checkpoints_a_run_starts_and_a_reader_says_so(tmp_path):
    assert newest_whole_checkpoint(tmp_path / CHECKPOINTS) is None
    (tmp_path / "options.json").write_text(to_json(TrainingConfig(NETWORK, "d", "r")))
    with pytest.raises(ValueError, match="`run_dir` must hold a checkpoint"):
        load_run_weights(tmp_path)


def test_the_weights_of_a_run_hold_the_average_apart(run_dir):
    weights = load_run_weights(run_dir)
    assert weights.images_shown == 200
    for name, value in weights.generator.items():
        np.testing.assert_allclose(weights.averaged_generator[name], value + 1.0, atol=1e-6)
    np.testing.assert_array_equal(
        dump_weights(weights.averaged())["generator/8x8/conv0/kernel"],
        weights.averaged_generator["generator/8x8/conv0/kernel"],
    )


def test_a_fingerprint_changes_with_any_weight(run_dir):
    weights = load_run_weights(run_dir)
    assert weights.fingerprint == load_run_weights(run_dir).fingerprint
    changed = dict(weights.averaged_generator)
    name = "generator/4x4/conv0/bias"
    changed[name] = changed[name] + np.float32(1e-7)
    other = dataclasses.replace(weights, averaged_generator=changed)
    assert other.fingerprint != weights.fingerprint


def test_weights_are_taken_over_into_another_resolution_and_schema(run_dir, tmp_path_factory):
    wider = dataclasses.replace(NETWORK, resolution=16, num_keypoints=2, keypoint_frame=16)
    config = TrainingConfig(wider, "data", "run", init_from=str(run_dir))
    card = DatasetCard("two", Skeleton("two", ("right", "tail")), 16, (4, 8, 16), {})
    state = new_state(wider, ema_decay=0.999)
    fresh = dump_weights(state.generator)
    take_weights(state, config, card)
    source, taken = load_run_weights(run_dir), dump_weights(state.generator)
    np.testing.assert_array_equal(
        taken["generator/8x8/conv1/kernel"], source.generator["generator/8x8/conv1/kernel"]
    )
    np.testing.assert_array_equal(
        taken["generator/16x16/conv1/kernel"], fresh["generator/16x16/conv1/kernel"]
    )
    # Four features, then planes: `right` is plane 2 there and plane 0 here, `tail` is new.
    kernel = taken["generator/8x8/conv0/kernel"]
    old = source.generator["generator/8x8/conv0/kernel"] * np.sqrt(6 / 7)
    np.testing.assert_allclose(kernel[:, :, :4], old[:, :, :4], rtol=1e-6)
    np.testing.assert_allclose(kernel[:, :, 4], old[:, :, 6], rtol=1e-6)
    np.testing.assert_array_equal(kernel[:, :, 5], fresh["generator/8x8/conv0/kernel"][:, :, 5])
    variable = named_variables(state.generator)["generator/8x8/conv1/kernel"]
    np.testing.assert_array_equal(
        averaged_value(state.generator_optimizer, variable),
        source.averaged_generator["generator/8x8/conv1/kernel"],
    )


def test_a_checkpoint_of_two_replicas_restores_on_one(tmp_path, two_cpus):
    with two_cpus.scope():
        state = new_state(NETWORK, ema_decay=0.999)
        state.images_shown.assign(44)
        saved = CheckpointStore(tmp_path, state, keep=1).save()
    other = new_state(NETWORK, ema_decay=0.999)
    CheckpointStore(tmp_path, other, keep=1).restore(saved)
    assert int(other.images_shown.numpy()) == 44
    for name, value in dump_weights(state.generator).items():
        np.testing.assert_array_equal(dump_weights(other.generator)[name], value)
    assert tf.distribute.get_strategy().num_replicas_in_sync == 1
