"""The forms that are computed in, and what a step makes once, against the plain ones."""

import collections

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from forced_kernels import ForcedKernels
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Discriminator
from psgan_tf.model.ops.cpu import slab_gradients
from psgan_tf.model.ops.kernels import FAST, Kernels
from psgan_tf.training.gradient_accumulation import LossGradients
from psgan_tf.training.losses import fake_loss, gradient_penalty, real_loss
from psgan_tf.training.synthetic_data import SyntheticData


def test_a_step_makes_a_key_once_and_pictures_alone_each_time():
    counter = iter(range(1, 100))

    def make():
        return next(counter)

    assert [FAST.once("a", make), FAST.once("a", make)] == [1, 2]
    step = Kernels(training=True)
    assert [step.once("a", make), step.once("b", make), step.once("a", make)] == [3, 4, 3]
    assert Kernels(training=True).once("a", make) == 5


def test_an_unknown_form_is_refused():
    with pytest.raises(
        ValueError, match=r"`kernels` must be one of plain, fast\. Received: kernels='x'"
    ):
        Kernels("x")


def gradients_of_discriminator(discriminator, data, form):
    """By all weights, of the loss with its gradient penalty, as a step computes them; the graph."""
    images, keypoints = data.batch()
    reals = tf.cast(images, tf.float32) / 127.5 - 1
    fakes = tf.random.stateless_uniform(reals.shape, [1, 2], -1.0, 1.0)
    mix = tf.random.stateless_uniform(reals.shape[:1], [3, 4])
    variables = discriminator.active_variables(16, False)

    def critic(pictures):
        return discriminator(pictures, keypoints=keypoints, resolution=16, kernels=form)

    @tf.function
    def gradients():
        total = LossGradients(variables, len(mix))
        for term, arguments in (
            (real_loss, (reals, 0.001)),
            (fake_loss, (fakes,)),
            (gradient_penalty, (reals, fakes, mix, 10.0)),
        ):
            with total.term():
                losses, _ = term(critic, *arguments)
            total.add(losses)
        return total.total()

    traced = gradients.get_concrete_function()
    return dict(zip([v.name for v in variables], traced(), strict=True)), traced.graph


def operations_of_36(graph, kind):
    """How many of a kind there are whose result has 36 rows: a number for each point of a tile."""
    results = [op.outputs[0] for op in graph.get_operations() if op.type == kind]
    return sum(result.shape[0] == 36 for result in results)


def test_a_wide_discriminator_learns_the_same_from_shared_tensors_in_other_forms():
    # Wide enough for Winograd's form; the penalty goes through its second derivatives.
    network = NetworkConfig(
        resolution=16, num_keypoints=4, keypoint_frame=16, fmap_base=4096, fmap_max=192
    )
    keras.utils.set_random_seed(0)
    discriminator, data = Discriminator(network), SyntheticData(network, 4, 16)
    fast, graph = gradients_of_discriminator(discriminator, data, Kernels(training=True))
    # Two kernels are wide enough. Each goes to the points once, for three terms.
    assert operations_of_36(graph, "MatMul") == 2
    assert operations_of_36(graph, "BatchMatMulV2") > 3 * 2
    plain, graph = gradients_of_discriminator(discriminator, data, Kernels("plain"))
    assert operations_of_36(graph, "BatchMatMulV2") == 0
    # Where rounding carries a feature over zero, the slope there is another: hence the tolerance.
    for name, gradient in plain.items():
        scale = float(tf.reduce_max(tf.abs(gradient)))
        np.testing.assert_allclose(fast[name], gradient, atol=3e-4 * scale, err_msg=name)


def kinds(graph):
    """How many operations of each kind there are, also in what is compiled."""
    functions = graph.as_graph_def().library.function
    nodes = [*graph.as_graph_def().node, *(n for f in functions for n in f.node_def)]
    return collections.Counter(node.op for node in nodes)


def heights_of_filter_gradients(graph):
    """Rows of what filter gradients come from."""
    operations = [op for op in graph.get_operations() if op.type == "Conv2DBackpropFilter"]
    return {op.inputs[2].shape[1] for op in operations}


def test_a_discriminator_learns_the_same_by_fused_passes_and_slabs(monkeypatch):
    # What large pictures in bfloat16 take, here in float32, where differences would show.
    network = NetworkConfig(
        resolution=16, num_keypoints=4, keypoint_frame=16, fmap_base=64, fmap_max=8
    )
    keras.utils.set_random_seed(0)
    discriminator, data = Discriminator(network), SyntheticData(network, 4, 16)
    plain, graph = gradients_of_discriminator(discriminator, data, Kernels("plain"))
    assert kinds(graph)["LeakyReluGrad"] > 0
    assert 1 not in heights_of_filter_gradients(graph)
    monkeypatch.setattr(slab_gradients, "SLAB_ROWS", 4)
    form = ForcedKernels(slabs=True, xla=True)
    fast, graph = gradients_of_discriminator(discriminator, data, form)
    assert kinds(graph)["LeakyReluGrad"] == 0
    # The rows at the seams between slabs of four.
    assert {1, 4} <= heights_of_filter_gradients(graph)
    for name, gradient in plain.items():
        scale = float(tf.reduce_max(tf.abs(gradient)))
        np.testing.assert_allclose(fast[name], gradient, atol=1e-4 * scale, err_msg=name)
