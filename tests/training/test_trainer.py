"""The training step and the loop: replicas, resume, phase boundaries, guards."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.model.ops.kernels import Kernels
from psgan_tf.model.ops.resizing import downscale2x, upscale2x
from psgan_tf.model.weights import dump_weights, named_variables
from psgan_tf.training.checkpoints import CheckpointStore, load_run_weights
from psgan_tf.training.config import to_json
from psgan_tf.training.optimizers import set_learning_rate
from psgan_tf.training.step import fade_reals
from psgan_tf.training.trainer import Trainer, training_noise
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


def last_gradients(trainer):
    """The gradient that each weight was last changed by: Adam's first moment, as beta1 is 0."""
    state, values = trainer.state, {}
    for network, optimizer in (
        (state.generator, state.generator_optimizer._optimizer),
        (state.discriminator, state.discriminator_optimizer),
    ):
        for name, variable in named_variables(network).items():
            values[name] = optimizer.get_slot(variable, "m").numpy()
    return values


def assert_close(actual, expected, share, rounding=0.0):
    """Arrays by name, each near to a share of its largest element."""
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        atol = share * np.abs(value).max() + rounding
        np.testing.assert_allclose(actual[name], value, rtol=0, atol=atol, err_msg=name)


def around_the_same_state(trainer):
    """A trainer made as in a new process: around a state that was restored before."""
    fields = ("config", "schedule", "data", "strategy", "state")
    return Trainer(*(getattr(trainer, field) for field in fields))


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
    # At first next to no rate, so that both generators' gradients come from the same discriminator:
    # where a gradient is only rounding, Adam's first step is the rate itself, either way.
    config = tiny_config(data_dir, tmp_path, learning_rate="0.000000000001", ema_decay=0.5)
    one = make_trainer(config, stddev_slices=2)
    two = make_trainer(config, strategy=two_cpus)
    means, other_means = [], []
    for batches in (1, 4):  # the first batch at 4 x 4 and the first of the fade
        means += train_steps(one, batches)
        other_means += train_steps(two, batches)
        gradients = last_gradients(one)
        assert max(np.abs(gradient).max() for gradient in gradients.values()) > 0.1
        assert_close(last_gradients(two), gradients, share=1e-4, rounding=1e-7)
    # On at a usual rate: scores and penalties stay together, and so do the averages' ways.
    start, other_start = one.state.averaged_weights(), two.state.averaged_weights()
    for trainer in (one, two):
        set_learning_rate(trainer.state.generator_optimizer, 1e-4)
        set_learning_rate(trainer.state.discriminator_optimizer, 1e-4)
    means += train_steps(one, 3)
    other_means += train_steps(two, 3)
    for row, other in zip(means, other_means, strict=True):
        for name, value in row.items():
            assert other[name] == pytest.approx(value, rel=1e-3, abs=1e-3), name
    ways = {name: end - start[name] for name, end in one.state.averaged_weights().items()}
    assert all(np.abs(way).max() > 5e-5 for way in ways.values())
    other_ends = two.state.averaged_weights()
    other_ways = {name: end - other_start[name] for name, end in other_ends.items()}
    assert_close(other_ways, ways, share=1e-2)


@pytest.mark.parametrize("fuses", [False, True])
def test_two_replicas_in_two_parts_each_train_like_one_with_four_slices(
    data_dir, tmp_path, two_cpus, monkeypatch, fuses
):
    # No rate to speak of, for the reason above.
    config = tiny_config(data_dir, tmp_path, batch_size="8", learning_rate="0.000000000001")
    whole = make_trainer(config, stddev_slices=4)
    parts = make_trainer(dataclasses.replace(config, micro_batch="2"), strategy=two_cpus)
    means = []
    for trainer, fused in ((whole, False), (parts, fuses)):
        monkeypatch.setattr(Kernels, "use_xla", lambda self, features, fused=fused: fused)
        trainer.state.images_shown.assign(16)  # where the fade to 8 x 8 starts
        means += train_steps(trainer, 1)
    assert means[1] == pytest.approx(means[0], rel=1e-4, abs=1e-5)
    assert_close(last_gradients(parts), last_gradients(whole), share=1e-4, rounding=1e-7)


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


def test_going_on_in_parts_is_bit_for_bit_a_run_never_stopped(data_dir, tmp_path):
    config = tiny_config(data_dir, tmp_path, micro_batch="2")
    first = make_trainer(config)
    first.state.images_shown.assign(16)
    train_steps(first, 1)
    saved = store_of(first, tmp_path).save()
    train_steps(first, 2)
    second = make_trainer(config)
    store_of(second, tmp_path).restore(saved)
    resumed = around_the_same_state(second)
    train_steps(resumed, 2)
    assert all_variables(resumed.state) == all_variables(first.state)


@pytest.mark.parametrize("stop_after", [6, 8], ids=["in mid-fade", "between phases"])
def test_going_on_is_bit_for_bit_a_run_never_stopped(recorded, tmp_path, stop_after):
    first = make_trainer(recorded.config)
    train_steps(first, stop_after)
    saved = store_of(first, tmp_path).save()
    assert saved.endswith(f"ckpt-{4 * stop_after}")
    second = make_trainer(recorded.config)
    store_of(second, tmp_path).restore(saved)
    resumed = around_the_same_state(second)
    train_steps(resumed, 12 - stop_after)
    assert all_variables(resumed.state) == recorded.variables


def test_bfloat16_trains_float32_weights_and_goes_on_bit_for_bit(data_dir, tmp_path):
    config = tiny_config(data_dir, tmp_path, precision="bfloat16")
    first = make_trainer(config, dtype="mixed_bfloat16")
    assert first.state.generator.compute_dtype == "bfloat16"
    first.state.images_shown.assign(16)  # where the fade to 8 x 8 starts
    start = dump_weights(first.state.generator) | dump_weights(first.state.discriminator)
    (means,) = train_steps(first, 1)
    saved = store_of(first, tmp_path).save()
    assert np.isfinite(list(means.values())).all()
    assert means["discriminator_skipped"] == means["generator_skipped"] == 0
    after = dump_weights(first.state.generator) | dump_weights(first.state.discriminator)
    for name, value in after.items():
        assert value.dtype == np.float32, name
        assert np.isfinite(value).all(), name
        # Of biases the last one may stand still: its gradient, 1 - 1 + the drift's, is rounded off.
        assert name.endswith("bias") or (value != start[name]).any(), name
    train_steps(first, 1)
    second = make_trainer(config, dtype="mixed_bfloat16")
    store_of(second, tmp_path).restore(saved)
    resumed = around_the_same_state(second)
    train_steps(resumed, 1)
    assert all_variables(resumed.state) == all_variables(first.state)


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


def test_one_part_that_is_not_finite_spoils_the_whole_update(data_dir, tmp_path, monkeypatch):
    trainer = make_trainer(tiny_config(data_dir, tmp_path, micro_batch="1"))
    # The mix reaches the discriminator's penalty alone, here of the second of four pictures.
    broken = tf.constant([0.5, np.nan, 0.5, 0.5])
    monkeypatch.setattr(trainer._step.noise, "mix", lambda batch_size, images_shown: broken)
    before = all_variables(trainer.state)
    (means,) = train_steps(trainer, 1)
    after = all_variables(trainer.state)
    changed = {name for name in before if before[name] != after[name]}
    assert means["discriminator_skipped"] == 1.0
    assert means["generator_skipped"] == 0.0
    assert not {name for name in changed if name.startswith("discriminator")}
    assert {name for name in changed if name.startswith("generator")}


def test_poses_of_the_generators_step_are_drawn_from_the_training_set(data_dir, tmp_path):
    trainer = make_trainer(tiny_config(data_dir, tmp_path))
    noise = training_noise(trainer.config, trainer.data)
    known = {pose.tobytes() for pose in trainer.data.keypoint_table()}
    drawn = []
    for images_shown in range(0, 80, 4):
        poses = trainer.strategy.run(noise.poses, args=(4, tf.constant(images_shown, tf.int64)))
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
        self.ticks.append((tick.first_image, tick.growth.images_after))

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
