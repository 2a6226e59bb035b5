"""The training step and the loop: replicas, resume, phase boundaries, guards."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.checkpoints import CheckpointStore, load_run_weights
from psgan_tf.config import to_json
from psgan_tf.layers import downscale2x, upscale2x
from psgan_tf.trainer import Trainer, fade_reals
from psgan_tf.weights import dump_weights, named_variables
from tiny_data import make_trainer, tiny_config, train_steps, write_dataset


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    write_dataset(directory)
    return directory


def all_variables(state):
    """Weights, slots, counters: everything that a checkpoint holds, as bytes by name."""
    values = {}
    for network, optimizer in (
        (state.generator, state.generator_optimizer),
        (state.discriminator, state.discriminator_optimizer),
    ):
        values |= {name: value.tobytes() for name, value in dump_weights(network).items()}
        for index, weight in enumerate(optimizer.weights):
            values[f"{network.name}/slot{index}"] = np.asarray(weight).tobytes()
    values["images_shown"] = int(state.images_shown.numpy())
    values["phase_index"] = int(state.phase_index.numpy())
    return values


def gradients_seen(trainer):
    """|gradient| of each weight in its first step: the second moment is 0.01 of its square."""
    state, values = trainer.state, {}
    for network, optimizer in (
        (state.generator, state.generator_optimizer._optimizer),
        (state.discriminator, state.discriminator_optimizer),
    ):
        for name, variable in named_variables(network).items():
            values[name] = np.sqrt(optimizer.get_slot(variable, "v").numpy() / 0.01)
    return values


def store_of(trainer, directory):
    (directory / "options.json").write_text(to_json(trainer.config))
    return CheckpointStore(directory, trainer.state, keep=2)


# -------------------------------------------------------------------------------------------------
# Real pictures


def test_real_pictures_become_minus_one_to_one():
    images = tf.constant([[[[0, 255, 51]]]], tf.uint8)
    np.testing.assert_allclose(fade_reals(images, None), [[[[-1.0, 1.0, -0.6]]]], rtol=1e-6)


def test_a_fade_starts_with_the_coarse_picture_and_ends_with_the_fine_one():
    images = tf.cast(np.random.default_rng(0).integers(0, 256, [2, 8, 8, 3]), tf.uint8)
    fine = tf.cast(images, tf.float32) / 127.5 - 1
    coarse = upscale2x(downscale2x(fine))
    np.testing.assert_array_equal(fade_reals(images, tf.constant(0.0)), coarse)
    np.testing.assert_array_equal(fade_reals(images, tf.constant(1.0)), fine)
    np.testing.assert_allclose(
        fade_reals(images, tf.constant(0.2)), 0.8 * coarse + 0.2 * fine, atol=1e-6
    )


# -------------------------------------------------------------------------------------------------
# The step


def test_two_replicas_train_like_one(data_dir, tmp_path, two_cpus):
    config = tiny_config(data_dir, tmp_path, learning_rate="0.00001")
    one = make_trainer(config, stddev_slices=2)
    two = make_trainer(config, strategy=two_cpus)
    means, other_means = train_steps(one, 1), train_steps(two, 1)
    seen, other_seen = gradients_seen(one), gradients_seen(two)
    for name, gradient in seen.items():
        if name.startswith("discriminator"):
            np.testing.assert_allclose(other_seen[name], gradient, rtol=1e-3, atol=1e-6)
    assert max(gradient.max() for gradient in seen.values()) > 0.01
    # On into the fade: scores and penalties stay together, step by step.
    means += train_steps(one, 5)
    other_means += train_steps(two, 5)
    for row, other in zip(means, other_means, strict=True):
        for name, value in row.items():
            assert other[name] == pytest.approx(value, rel=1e-3, abs=1e-3), name


class Recorded:
    """A run of three phases that is never stopped, looked at after each of its 12 batches."""

    def __init__(self, config):
        self.config = config
        self.trainer = make_trainer(config)
        self.weights, self.iterations, self.rates = [self.now()], [], []
        for _ in range(12):
            train_steps(self.trainer, 1)
            optimizer = self.trainer.state.generator_optimizer
            self.weights.append(self.now())
            self.iterations.append(int(optimizer.iterations.numpy()))
            self.rates.append(float(optimizer.learning_rate.numpy()))
        self.variables = all_variables(self.trainer.state)

    def now(self):
        state = self.trainer.state
        averages = {f"average of {k}": v for k, v in state.averaged_weights().items()}
        return dump_weights(state.generator) | dump_weights(state.discriminator) | averages


@pytest.fixture(scope="module")
def recorded(data_dir, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("recorded")
    return Recorded(tiny_config(data_dir, run_dir, learning_rate="0.001,8:0.0005"))


def test_a_block_learns_from_the_first_batch_of_its_fade_and_not_before(recorded):
    start, before_fade, after_one = recorded.weights[0], recorded.weights[4], recorded.weights[5]
    for name in ("generator/8x8/conv1/kernel", "discriminator/8x8/conv1/kernel"):
        np.testing.assert_array_equal(before_fade[name], start[name])
        assert (after_one[name] != start[name]).any()
    assert (before_fade["generator/4x4/conv0/kernel"] != start["generator/4x4/conv0/kernel"]).any()


def test_the_average_of_a_layer_not_yet_active_is_the_layer_itself(recorded):
    weights = recorded.weights[4]
    idle, active = "generator/8x8/conv0/kernel", "generator/4x4/conv0/kernel"
    np.testing.assert_array_equal(weights[f"average of {idle}"], weights[idle])
    assert (weights[f"average of {active}"] != weights[active]).any()


def test_the_average_moves_by_one_part_in_a_thousand_towards_each_new_weight(recorded):
    name = "generator/4x4/conv0/kernel"
    for before, after in itertools.pairwise(recorded.weights):
        old = before[f"average of {name}"]
        expected = 0.999 * old + 0.001 * after[name]
        np.testing.assert_allclose(after[f"average of {name}"], expected, atol=1e-6)


def test_optimizers_start_anew_at_both_ends_of_each_fade(recorded):
    assert recorded.iterations == [1, 2, 3, 4] * 3
    np.testing.assert_allclose(recorded.rates, [0.001] * 4 + [0.0005] * 8)


@pytest.mark.parametrize("stop_after", [6, 8], ids=["in mid-fade", "between phases"])
def test_going_on_is_bit_for_bit_a_run_never_stopped(recorded, tmp_path, stop_after):
    first = make_trainer(recorded.config)
    train_steps(first, stop_after)
    store_of(first, tmp_path).save()
    second = make_trainer(recorded.config)
    assert store_of(second, tmp_path).restore_newest().endswith(f"ckpt-{4 * stop_after}")
    # As a new process does: the trainer is made around the state that was restored.
    fields = ("config", "schedule", "data", "strategy", "state")
    resumed = Trainer(*(getattr(second, field) for field in fields))
    train_steps(resumed, 12 - stop_after)
    assert all_variables(resumed.state) == recorded.variables


def test_an_update_that_is_not_finite_is_never_applied(data_dir, tmp_path):
    trainer = make_trainer(tiny_config(data_dir, tmp_path))
    train_steps(trainer, 1)
    state = trainer.state
    kernel = named_variables(state.discriminator)["discriminator/4x4/dense1/kernel"]
    kernel.assign(tf.fill(kernel.shape, np.nan))
    before = all_variables(state)
    (means,) = train_steps(trainer, 1)
    after = all_variables(state)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"images_shown"}
    assert means["discriminator_skipped"] == 1.0
    assert means["generator_skipped"] == 1.0


def test_poses_of_the_generators_step_are_drawn_from_the_training_set(data_dir, tmp_path):
    trainer = make_trainer(tiny_config(data_dir, tmp_path))
    phase = trainer.schedule.phases[0]
    known = {pose.tobytes() for pose in trainer.data.keypoint_table()}
    drawn = []
    for images_shown in range(0, 80, 4):
        poses = trainer.strategy.run(
            trainer._fresh_poses, args=(phase, tf.constant(images_shown, tf.int64))
        )
        drawn += [pose.tobytes() for pose in poses.numpy()]
    assert set(drawn) <= known
    assert len(set(drawn)) > len(known) // 2


def test_a_network_without_poses_trains_by_the_same_code(data_dir, tmp_path):
    config = tiny_config(data_dir, tmp_path)
    plain = dataclasses.replace(config.network, num_keypoints=0)
    means = train_steps(make_trainer(dataclasses.replace(config, network=plain)), 6)
    assert all(np.isfinite(list(row.values())).all() for row in means)


# -------------------------------------------------------------------------------------------------
# The loop


class NoReport:
    """Keeps what the loop would show."""

    def __init__(self):
        self.ticks, self.grids = [], []

    def tick(self, tick, schedule):
        self.ticks.append((tick.first_image, tick.stage.images_after))

    def samples(self, state, stage):
        self.grids.append(stage.images_after)


def test_the_loop_ticks_and_saves_at_phase_ends_and_completes(data_dir, tmp_path):
    trainer = make_trainer(tiny_config(data_dir, tmp_path))
    report = NoReport()
    assert trainer.run(store_of(trainer, tmp_path), report, lambda: False)
    assert report.ticks == [(n, n + 8) for n in range(0, 48, 8)]
    assert report.grids == [16, 32, 48]
    assert load_run_weights(tmp_path).images_shown == 48


def test_a_stop_request_saves_after_the_batch_and_says_incomplete(data_dir, tmp_path):
    trainer = make_trainer(tiny_config(data_dir, tmp_path))
    asked = iter([False, False, True])
    assert not trainer.run(store_of(trainer, tmp_path), NoReport(), lambda: next(asked))
    assert load_run_weights(tmp_path).images_shown == 12


def test_losses_that_are_not_finite_stop_the_run_and_leave_the_checkpoint(data_dir, tmp_path):
    trainer = make_trainer(tiny_config(data_dir, tmp_path))
    store = store_of(trainer, tmp_path)
    train_steps(trainer, 2)
    good = store.save()
    named_variables(trainer.state.discriminator)["discriminator/4x4/dense1/bias"].assign([np.inf])
    with pytest.raises(FloatingPointError, match=r"discriminator_loss.* between 8 and 16 images"):
        trainer.run(store, NoReport(), lambda: False)
    assert sorted(path.name for path in tmp_path.glob("checkpoints/*.index")) == ["ckpt-8.index"]
    assert load_run_weights(tmp_path).path == good
