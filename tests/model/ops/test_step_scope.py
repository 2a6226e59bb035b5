"""Tensors made once for several calls."""

import collections
import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from psgan_tf.model import layers
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Discriminator
from psgan_tf.model.ops import convolutions
from psgan_tf.model.ops.convolutions import convolve_plain
from psgan_tf.model.ops.cpu import slab_gradients, xla_passes
from psgan_tf.model.ops.step_scope import shared, training_scope
from psgan_tf.training.losses import discriminator_terms
from psgan_tf.training.step import sum_of_terms
from psgan_tf.training.synthetic_data import RandomData


def numbers():
    """Makes 1, 2, 3 and so on: a different thing at each call."""
    counter = iter(range(1, 100))
    return lambda: next(counter)


def test_a_key_is_made_once_within_and_each_time_without():
    make = numbers()
    assert [shared("a", make), shared("a", make)] == [1, 2]
    with training_scope():
        assert [shared("a", make), shared("b", make), shared("a", make)] == [3, 4, 3]
    with training_scope():
        assert shared("a", make) == 5


def fail_within(make):
    with training_scope():
        assert shared("a", make) == 2
        raise RuntimeError("inside")


def test_an_inner_scope_hides_the_outer_one_until_it_ends():
    make = numbers()
    with training_scope():
        assert shared("a", make) == 1
        with pytest.raises(RuntimeError, match="inside"):
            fail_within(make)
        assert shared("a", make) == 1
    assert shared("a", make) == 3


def test_replicas_that_are_traced_beside_each_other_share_nothing():
    make, seen = numbers(), []
    with training_scope():
        shared("a", make)
        thread = threading.Thread(target=lambda: seen.append(shared("a", make)))
        thread.start()
        thread.join()
        assert seen == [2]


def gradients_of_discriminator(discriminator, data):
    """By all weights, of the loss with its gradient penalty, as a step computes them; the graph."""
    images, keypoints = data.batch()
    reals = tf.cast(images, tf.float32) / 127.5 - 1
    fakes = tf.random.stateless_uniform(reals.shape, [1, 2], -1.0, 1.0)
    mix = tf.random.stateless_uniform(reals.shape[:1], [3, 4])
    variables = discriminator.active_variables(16, False)

    @tf.function
    def gradients():
        with training_scope():
            terms = discriminator_terms(
                lambda pictures: discriminator(pictures, keypoints=keypoints, resolution=16),
                reals,
                fakes,
                mix,
                gradient_penalty_weight=10.0,
                drift_weight=0.001,
            )
            return sum_of_terms(terms, variables, len(mix))[0]

    traced = gradients.get_concrete_function()
    return dict(zip([v.name for v in variables], traced(), strict=True)), traced.graph


def operations_of_36(graph, kind):
    """How many of a kind there are whose result has 36 rows: a number for each point of a tile."""
    results = [op.outputs[0] for op in graph.get_operations() if op.type == kind]
    return sum(result.shape[0] == 36 for result in results)


def test_a_wide_discriminator_learns_the_same_from_shared_tensors_in_other_forms(monkeypatch):
    # Wide enough for Winograd's form; the penalty goes through its second derivatives.
    network = NetworkConfig(
        resolution=16, num_keypoints=4, keypoint_frame=16, fmap_base=4096, fmap_max=192
    )
    keras.utils.set_random_seed(0)
    discriminator, data = Discriminator(network), RandomData(network, 4, 16)
    fast, graph = gradients_of_discriminator(discriminator, data)
    # Two kernels are wide enough. Each goes to the points once, for three terms.
    assert operations_of_36(graph, "MatMul") == 2
    assert operations_of_36(graph, "BatchMatMulV2") > 3 * 2
    monkeypatch.setattr(layers, "convolve", convolve_plain)
    monkeypatch.setattr(layers.PoseConv2D, "call_fast", layers.PoseConv2D.call_plain)
    monkeypatch.setattr(layers, "shared", lambda key, make: make())
    plain, graph = gradients_of_discriminator(discriminator, data)
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
    discriminator, data = Discriminator(network), RandomData(network, 4, 16)
    plain, graph = gradients_of_discriminator(discriminator, data)
    assert kinds(graph)["LeakyReluGrad"] > 0
    assert 1 not in heights_of_filter_gradients(graph)
    monkeypatch.setattr(xla_passes, "fuses", lambda features: True)
    monkeypatch.setattr(convolutions, "_slabs_pay", lambda features, kernel: kernel.shape[0] == 3)
    monkeypatch.setattr(slab_gradients, "ROWS", 4)
    fast, graph = gradients_of_discriminator(discriminator, data)
    assert kinds(graph)["LeakyReluGrad"] == 0
    # The rows at the seams between slabs of four.
    assert {1, 4} <= heights_of_filter_gradients(graph)
    for name, gradient in plain.items():
        scale = float(tf.reduce_max(tf.abs(gradient)))
        np.testing.assert_allclose(fast[name], gradient, atol=1e-4 * scale, err_msg=name)
