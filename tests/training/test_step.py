"""One step of both networks against the paper's losses, worked out here outside the trainer."""

import numpy as np
import pytest
import tensorflow as tf

from numpy_oracles import downscale, upscale
from psgan_tf.model.ops import kernels
from psgan_tf.model.weights import named_variables
from psgan_tf.training.gradient_accumulation import LossGradients
from tiny_data import make_trainer, tiny_config, write_dataset

# The fade to 8 x 8 goes from 16 to 32 images: at the end of this batch of 5 it is at 3/4.
IMAGES_SHOWN, BATCH, ALPHA = 23, 5, 0.75
SEED, LATENT_SIZE, FRAME = 3, 8, 16
# Too small to change a float32 weight by more than its last digit: the generator's step then sees
# the discriminator that its own step saw.
STANDSTILL = "0.000000000001"


def key(stream):
    return [8 * SEED + stream, IMAGES_SHOWN]


def latents(stream):
    return tf.random.stateless_normal([BATCH, LATENT_SIZE], key(stream), alg="philox")


def faded_by_hand(images):
    fine = images.astype(np.float64) / 127.5 - 1
    return ((1 - ALPHA) * upscale(downscale(fine)) + ALPHA * fine).astype(np.float32)


def mirrored_by_hand(pose):
    """The picture seen in a mirror: what was left is right. Rows are root, left, right."""
    root, left, right = ([FRAME - x, y, visible] for x, y, visible in pose)
    return [root, right, left]


def fresh_poses_by_hand(table):
    """Five examples' poses drawn anew, each turned over by the toss of a coin."""
    rows = tf.random.stateless_uniform([BATCH], key(4), 0, len(table), tf.int32, alg="philox")
    coins = tf.random.stateless_uniform([BATCH, 1, 1], key(5), alg="philox").numpy().ravel()
    assert 0 < (coins < 0.5).sum() < BATCH, "take another SEED, under which both sides come up"
    poses = [
        mirrored_by_hand(table[row]) if coin < 0.5 else table[row]
        for row, coin in zip(rows.numpy(), coins, strict=True)
    ]
    return np.array(poses, np.float32)


def discriminator_gradients_by_hand(state, reals, keypoints, rows):
    """Of D(fake) - D(real) + 10 (|grad D(mixed)| - 1)^2 + 0.001 D(real)^2, mean over the rows."""
    reals, keypoints = reals[rows], keypoints[rows]
    pose = {"keypoints": tf.constant(keypoints), "resolution": 8, "alpha": tf.constant(ALPHA)}
    mix = tf.random.stateless_uniform([BATCH], key(3), alg="philox").numpy().reshape(-1, 1, 1, 1)
    mix = mix[rows]
    fakes = state.generator(latents(1)[rows], **pose).numpy()
    mixed = tf.constant((1 - mix) * reals + mix * fakes)
    variables = named_variables(state.discriminator)
    with tf.GradientTape() as tape:
        real_scores = state.discriminator(tf.constant(reals), **pose)
        fake_scores = state.discriminator(tf.constant(fakes), **pose)
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            total = tf.reduce_sum(state.discriminator(mixed, **pose))
        slopes = tf.reshape(inner.gradient(total, mixed), [len(reals), -1])
        penalty = tf.reduce_mean((tf.norm(slopes, axis=1) - 1) ** 2)
        distance = tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)
        loss = distance + 10 * penalty + 0.001 * tf.reduce_mean(real_scores**2)
    return tape.gradient(loss, variables)


def generator_gradients_by_hand(state, keypoints, rows):
    """Of -D(G(latents)), mean over the rows."""
    pose = {"keypoints": keypoints[rows], "resolution": 8, "alpha": tf.constant(ALPHA)}
    variables = named_variables(state.generator)
    with tf.GradientTape() as tape:
        fakes = state.generator(latents(2)[rows], **pose)
        loss = -tf.reduce_mean(state.discriminator(fakes, **pose))
    return tape.gradient(loss, variables)


def mean_over_parts(gradients_by_hand, parts, *arguments):
    """Each part's gradients as if it were a batch, weighted by its share of the pictures."""
    means = {}
    for rows in parts:
        share = (rows.stop - rows.start) / BATCH
        for name, gradient in gradients_by_hand(*arguments, rows).items():
            means[name] = means.get(name, 0) + share * gradient.numpy()
    return means


class Stepped:
    """A trainer after one batch in mid-fade; the gradients that it applied and those by hand."""

    def __init__(self, data_dir, run_dir, micro_batch, parts):
        options = {"batch_size": str(BATCH), "micro_batch": micro_batch, "mirror": True}
        config = tiny_config(data_dir, run_dir, seed=SEED, learning_rate=STANDSTILL, **options)
        self.trainer = trainer = make_trainer(config)
        self.state = state = trainer.state
        state.images_shown.assign(IMAGES_SHOWN)
        images, keypoints = next(iter(trainer.data.batches(8, BATCH, IMAGES_SHOWN)))
        self.real_poses = keypoints.numpy()
        self.fresh_poses = fresh_poses_by_hand(trainer.data.keypoint_table())
        self.reals = faded_by_hand(images.numpy())
        self.expected = {
            "discriminator": mean_over_parts(
                discriminator_gradients_by_hand, parts, state, self.reals, self.real_poses
            ),
            "generator": mean_over_parts(
                generator_gradients_by_hand, parts, state, self.fresh_poses
            ),
        }
        trainer.step(trainer.schedule.growth_at(IMAGES_SHOWN), (images, keypoints))

    def applied(self, network_name):
        """Adam's first moment is the last gradient itself, as beta1 is 0."""
        network, optimizer = {
            "discriminator": (self.state.discriminator, self.state.discriminator_optimizer),
            "generator": (self.state.generator, self.state.generator_optimizer._optimizer),
        }[network_name]
        return {
            name: optimizer.get_slot(variable, "m").numpy()
            for name, variable in named_variables(network).items()
        }


@pytest.fixture(
    scope="module",
    params=[
        ("", [slice(0, 5)], False),
        ("8:4", [slice(0, 3), slice(3, 5)], False),
        ("8:4", [slice(0, 3), slice(3, 5)], True),
    ],
    ids=["at once", "in parts of 3 and 2", "in parts by points"],
)
def stepped(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("step")
    write_dataset(directory / "data", frame=FRAME)
    micro_batch, parts, by_points = request.param
    with pytest.MonkeyPatch.context() as patch:
        if by_points:  # as in wide networks
            patch.setattr(kernels, "WINOGRAD_FROM_CHANNELS", 1)
            patch.setattr(kernels, "WINOGRAD_FROM_RESULTS", 1)
        return Stepped(directory / "data", directory, micro_batch, parts)


@pytest.mark.parametrize("network_name", ["discriminator", "generator"])
def test_the_step_in_mid_fade_applies_the_gradient_worked_out_by_hand(stepped, network_name):
    applied, expected = stepped.applied(network_name), stepped.expected[network_name]
    assert applied.keys() == expected.keys()
    for name, gradient in expected.items():
        largest = np.abs(gradient).max()
        assert largest > 0, name
        np.testing.assert_allclose(
            applied[name], gradient, rtol=0, atol=1e-4 * largest, err_msg=name
        )


def named_ancestors(operation):
    """The names of all that has to run before an operation."""
    waiting, found = [operation], set()
    while waiting:
        known = waiting.pop()
        before = [*(tensor.op for tensor in known.inputs), *known.control_inputs]
        waiting += [op for op in before if op.name not in found]
        found |= {op.name for op in before}
    return found


@pytest.mark.parametrize("in_turn", [True, False])
def test_a_term_waits_for_the_gradients_of_the_one_before_where_it_is_told_to(in_turn):
    weight = tf.Variable(2.0)

    def gradients_of_two_terms():
        gradients = LossGradients([weight], batch_size=2, in_turn=in_turn)
        for name, factor in (("first", 3.0), ("second", 5.0)):
            with gradients.term():
                losses = tf.multiply([weight], factor, name=name)
            gradients.add(losses)
        return gradients.total()

    traced = tf.function(gradients_of_two_terms).get_concrete_function()
    assert traced()[0] == (3 + 5) / 2
    before = named_ancestors(traced.graph.get_operation_by_name("second"))
    assert any(name.startswith("gradient_tape/first/") for name in before) == in_turn


def test_the_generator_waits_for_the_discriminators_gradients(tmp_path):
    # Else what both networks keep for their gradients would lie in memory at the same time.
    write_dataset(tmp_path / "data", frame=FRAME)
    trainer = make_trainer(tiny_config(tmp_path / "data", tmp_path / "run", batch_size=str(BATCH)))
    phase = trainer.schedule.growth_at(IMAGES_SHOWN).phase
    batch = next(iter(trainer.data.batches(phase.resolution, BATCH, IMAGES_SHOWN)))
    shown, alpha = tf.constant(IMAGES_SHOWN, tf.int64), tf.constant(ALPHA)
    graph = trainer._step.of_phase(phase).get_concrete_function(*batch, shown, alpha).graph
    checks = [op for op in graph.get_operations() if op.type == "IsFinite"]
    first_pass = named_ancestors(checks[0])
    drawn = [op for op in graph.get_operations() if op.name.startswith("generator/")]
    again = [op for op in drawn if op.name not in first_pass and op.type in ("Conv2D", "MatMul")]
    assert len(again) > 4
    for op in again:
        assert checks[0].name in named_ancestors(op), op.name
