"""The layers against hand-computed numbers and numpy."""

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from psgan_tf.model.layers import EqualizedConv2D, EqualizedDense, LatentProjection, PoseConv2D
from psgan_tf.model.ops.activations import leaky_relu


def normal(*shape, seed=0):
    """The same numbers for a shape and a seed, whichever tests run."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def keypoints_in(frame, *shape):
    """Keypoints anywhere in the frame, every other of them missing."""
    keypoints = np.random.default_rng(0).uniform(0, frame, (*shape, 3)).astype(np.float32)
    keypoints[..., 2] = np.arange(shape[-1]) % 2
    return keypoints


@pytest.mark.parametrize(
    ("layer", "channels", "scale"),
    [
        (EqualizedConv2D(1), 512, 0.0208333),
        (EqualizedConv2D(1), 513, 0.0208130),
        (PoseConv2D(1, num_keypoints=20, keypoint_frame=1024), 512, 0.0204380),
        (PoseConv2D(1, num_keypoints=18, keypoint_frame=256), 512, 0.0204765),
        (PoseConv2D(1, num_keypoints=20, keypoint_frame=1024), 513, 0.0204188),
        (LatentProjection(1), 512, 0.015625),
        (EqualizedDense(1), 8192, 0.015625),
        (EqualizedDense(1, gain=1.0), 512, 0.0441942),
        (EqualizedConv2D(3, kernel_size=1, gain=1.0), 16, 0.25),
        (EqualizedConv2D(16, kernel_size=1), 3, 0.8164966),
    ],
)
def test_kernels_are_scaled_by_the_constants_of_the_paper(layer, channels, scale):
    layer.build([None, 4, 4, channels] if hasattr(layer, "kernel_size") else [None, channels])
    assert layer.kernel_scale == pytest.approx(scale, abs=5e-8)


def test_kernels_start_as_normal_numbers_and_biases_as_zeros():
    tf.keras.utils.set_random_seed(0)
    layer = EqualizedConv2D(64)
    layer.build([None, 4, 4, 64])
    kernel = layer.kernel.numpy()
    assert abs(kernel.mean()) < 0.02
    assert abs(kernel.std() - 1) < 0.02
    assert np.abs(kernel).max() > 3.5  # not cut off, as Keras' usual start is
    np.testing.assert_array_equal(layer.bias, np.zeros(64))


def test_an_equalized_layer_keeps_the_scale_of_what_it_reads():
    # Progressive GAN section 4.1: the very reason for the constant.
    tf.keras.utils.set_random_seed(0)
    outputs = leaky_relu(EqualizedDense(4096)(normal(16, 512))).numpy()
    # A leaky ReLU keeps (1 + 0.2^2) / 2 of the power, a plain one a half.
    assert np.square(outputs).mean() == pytest.approx(1.04, rel=0.03)


def randomized(layer, input_shape):
    """Builds a layer; biases too get values."""
    layer.build([None, *input_shape])
    layer.bias.assign(normal(*layer.bias.shape))
    return layer, layer.kernel.numpy(), layer.bias.numpy()


def test_biases_are_not_scaled():
    for layer, inputs in (
        (EqualizedDense(3), normal(2, 8)),
        (LatentProjection(3), normal(2, 8)),
        (EqualizedConv2D(3), normal(2, 4, 4, 8)),
    ):
        layer.build(inputs.shape)
        layer.kernel.assign(tf.zeros_like(layer.kernel))
        layer.bias.assign([1.0, -2.0, 3.0])
        np.testing.assert_array_equal(layer(inputs) - [1.0, -2.0, 3.0], 0 * layer(inputs))


def test_a_dense_layer_by_hand():
    layer = EqualizedDense(2, gain=1.0)
    layer.build([None, 4])
    layer.kernel.assign([[2.0, 0], [4, 0], [0, 6], [0, 8]])
    layer.bias.assign([0.5, -0.5])
    # The scale is 1 / sqrt(4): (2 + 8) / 2 + 0.5 and (18 + 32) / 2 - 0.5.
    np.testing.assert_allclose(layer(tf.constant([[1.0, 2, 3, 4]])), [[5.5, 24.5]])


def test_a_dense_layer_agrees_with_numpy():
    layer, kernel, bias = randomized(EqualizedDense(5), [7])
    inputs = normal(3, 7)
    expected = inputs @ oracle.equalized(kernel, np.sqrt(2)) + bias
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-5, atol=1e-6)


def test_the_projection_lays_out_4_by_4_positions_of_channels_with_a_bias_each():
    layer, kernel, bias = randomized(LatentProjection(3), [7])
    latents = normal(2, 7)
    scaled = oracle.equalized(kernel, np.sqrt(2) / 4)
    outputs = layer(latents).numpy()
    for y in range(4):
        for x in range(4):
            columns = slice(3 * (4 * y + x), 3 * (4 * y + x) + 3)
            expected = latents @ scaled[:, columns] + bias
            np.testing.assert_allclose(outputs[:, y, x], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_a_convolution_agrees_with_numpy_to_the_zero_padded_border(kernel_size):
    layer, kernel, bias = randomized(EqualizedConv2D(4, kernel_size), [5, 7, 3])
    inputs = normal(2, 5, 7, 3)
    expected = oracle.convolution(inputs, oracle.equalized(kernel, np.sqrt(2)), bias)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("resolution", [4, 8, 16])
def test_a_pose_convolution_reads_features_then_planes(resolution):
    layer, kernel, bias = randomized(
        PoseConv2D(4, num_keypoints=5, keypoint_frame=32), [resolution, resolution, 3]
    )
    features, keypoints = normal(2, resolution, resolution, 3), keypoints_in(32, 2, 5)
    maps = oracle.pose_pyramid(keypoints, 32)[resolution]
    expected = oracle.convolution(
        np.concatenate([features, maps], axis=-1), oracle.equalized(kernel, np.sqrt(2)), bias
    )
    np.testing.assert_allclose(layer(features, keypoints=keypoints), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_keypoints", [0, 5])
@pytest.mark.parametrize("upscale", [False, True])
@pytest.mark.parametrize("values", [(-1.0, 1.0), (0.0, 8.0)])
def test_a_pose_convolution_gives_the_same_with_and_without_maps(num_keypoints, upscale, values):
    layer = PoseConv2D(4, num_keypoints, keypoint_frame=32, upscale=upscale, pose_values=values)
    randomized(layer, [16, 16, 3])
    size = 8 if upscale else 16
    features, keypoints = normal(2, size, size, 3), keypoints_in(32, 2, num_keypoints)
    plain = layer.call_with_maps(features, keypoints)
    np.testing.assert_allclose(
        layer.call_without_maps(features, keypoints), plain, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_array_equal(
        layer(features, keypoints=keypoints), layer.call_without_maps(features, keypoints)
    )


def test_without_keypoints_the_pose_convolution_is_a_plain_one():
    pose, kernel, bias = randomized(PoseConv2D(4, num_keypoints=0, keypoint_frame=32), [8, 8, 3])
    plain = EqualizedConv2D(4)
    plain.build([None, 8, 8, 3])
    plain.set_weights([kernel, bias])
    features = normal(2, 8, 8, 3)
    np.testing.assert_array_equal(pose(features), plain(features))
    np.testing.assert_array_equal(pose(features, keypoints=keypoints_in(32, 2, 5)), plain(features))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EqualizedDense(0), r"`units` must be at least 1\. Received: units=0"),
        (lambda: LatentProjection(-1), r"`filters` must be at least 1\. Received: filters=-1"),
        (lambda: EqualizedConv2D(0), r"`filters` must be at least 1"),
        (lambda: EqualizedConv2D(4, 0), r"`kernel_size` must be at least 1"),
        (lambda: EqualizedConv2D(4, gain=0.0), r"`gain` must be positive\. Received: gain=0"),
        (lambda: PoseConv2D(4, -1, 32), r"`num_keypoints` must not be negative"),
        (lambda: PoseConv2D(4, 3, 0), r"`keypoint_frame` must be at least 1"),
    ],
)
def test_a_layer_without_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_pose_convolution_refuses_a_pose_that_it_cannot_read():
    layer = PoseConv2D(4, num_keypoints=3, keypoint_frame=32)
    features, keypoints = normal(2, 8, 8, 3), keypoints_in(32, 2, 3)
    with pytest.raises(TypeError, match="positional"):
        layer(features, keypoints)
    with pytest.raises(ValueError, match=r"`keypoints` must be \[batch, 3, 3\].*Received.*None"):
        layer(features)
    with pytest.raises(ValueError, match=r"`keypoints` must be \[batch, 3, 3\].*\(2, 2, 3\)"):
        layer(features, keypoints=keypoints[:, :2])
    with pytest.raises(ValueError, match=r"`keypoints` must be float32.*Received: bfloat16"):
        layer(features, keypoints=tf.cast(keypoints, tf.bfloat16))
