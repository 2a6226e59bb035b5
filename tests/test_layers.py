"""The layers against hand-computed numbers and numpy."""

import math

import numpy as np
import pytest
import tensorflow as tf

import numpy_oracles as oracle
from psgan_tf.layers import (
    EqualizedConv2D,
    EqualizedDense,
    LatentProjection,
    PoseConv2D,
    downscale2x,
    leaky_relu,
    lerp,
    minibatch_stddev,
    pixel_norm,
    upscale2x,
)


def normal(*shape, seed=0):
    """The same numbers for a shape and a seed, whichever tests run."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def keypoints_in(frame, *shape):
    """Keypoints anywhere in the frame, every other of them missing."""
    keypoints = np.random.default_rng(0).uniform(0, frame, (*shape, 3)).astype(np.float32)
    keypoints[..., 2] = np.arange(shape[-1]) % 2
    return keypoints


# -------------------------------------------------------------------------------------------------
# Functions without weights


def test_leaky_relu_keeps_a_fifth_of_what_is_negative():
    np.testing.assert_allclose(leaky_relu([-1.0, 0.0, 2.0]), [-0.2, 0.0, 2.0])


def test_pixel_norm_of_3_and_4_by_hand():
    # The mean of 9 and 16 is 12.5, whose root is 3.5355339.
    np.testing.assert_allclose(
        pixel_norm(tf.constant([[3.0, 4.0]])), [[0.8485281, 1.1313708]], rtol=1e-6
    )


@pytest.mark.parametrize("shape", [(2, 512), (2, 3, 5, 7)])
def test_pixel_norm_gives_each_position_unit_root_mean_square(shape):
    features = 100 * normal(*shape)
    normed = pixel_norm(features).numpy()
    np.testing.assert_allclose(normed, oracle.pixel_norm(features.astype(np.float64)), rtol=1e-5)
    np.testing.assert_allclose(np.square(normed).mean(axis=-1), 1.0, rtol=1e-5)


def test_pixel_norm_of_nothing_is_nothing_with_a_finite_gradient():
    features = tf.zeros([1, 2, 2, 4])
    with tf.GradientTape() as tape:
        tape.watch(features)
        normed = pixel_norm(features)
    np.testing.assert_array_equal(normed, features)
    np.testing.assert_allclose(tape.gradient(normed, features), 1e4, rtol=1e-5)


def test_pixel_norm_measures_in_float32_what_is_bfloat16():
    # 4,095 ones and a 64: a running bfloat16 sum of squares would stop growing at 256.
    features = np.ones((1, 4096), np.float32)
    features[0, 0] = 64
    normed = pixel_norm(tf.constant(features, tf.bfloat16))
    assert normed.dtype == tf.bfloat16
    np.testing.assert_allclose(
        tf.cast(normed, tf.float32), features / math.sqrt(8191 / 4096), rtol=2**-7
    )


def test_upscaling_repeats_each_pixel_by_hand():
    image = tf.constant([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(upscale2x(image)[0, :, :, 0], expected)


def test_downscaling_takes_the_mean_of_four_by_hand():
    image = tf.reshape(tf.constant([1.0, 2, 5, 6, 3, 4, 7, 9]), [1, 2, 4, 1])
    np.testing.assert_array_equal(downscale2x(image)[0, :, :, 0], [[2.5, 6.75]])


def test_scaling_agrees_with_numpy_for_oblong_pictures():
    images = normal(2, 4, 6, 3)
    np.testing.assert_array_equal(upscale2x(images), oracle.upscale(images))
    np.testing.assert_allclose(downscale2x(images), oracle.downscale(images), atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_downscaling_undoes_upscaling_exactly(dtype):
    images = tf.constant(normal(2, 4, 4, 3), dtype)
    assert upscale2x(images).dtype == dtype
    np.testing.assert_array_equal(downscale2x(upscale2x(images)), images)


def test_lerp_at_a_quarter_by_hand():
    np.testing.assert_array_equal(
        lerp(tf.constant([8.0, -4]), tf.constant([4.0, 0]), 0.25), [7, -3]
    )


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_lerp_gives_its_ends_to_the_last_bit(dtype):
    start = tf.constant(normal(10_000), dtype)
    end = tf.constant(100 * normal(10_000, seed=1), dtype)
    np.testing.assert_array_equal(lerp(start, end, 0.0), start)
    np.testing.assert_array_equal(lerp(start, end, 1.0), end)
    assert lerp(start, end, 0.5).dtype == dtype
    # The usual short form does not.
    assert np.any(start + (end - start) * 1 != end)


def test_lerp_weighs_bfloat16_features_with_a_float32_alpha():
    # In bfloat16 this alpha would be 0.30078125, and the result 3 bits of its mantissa larger.
    mixed = lerp(tf.zeros([1], tf.bfloat16), tf.constant([1024.0], tf.bfloat16), 0.3)
    assert float(mixed[0]) == 308  # the bfloat16 nearest to 307.2
    mixed = lerp(tf.zeros([1]), tf.ones([1]), tf.constant(0.3))
    assert float(mixed[0]) == np.float32(0.3)


# -------------------------------------------------------------------------------------------------
# Minibatch standard deviation


def stddev_of(features, slices=1):
    """The appended channel, one number an example, once it is seen to be constant over pixels."""
    features = tf.convert_to_tensor(features)
    with_channel = minibatch_stddev(features, slices)
    assert with_channel.dtype == features.dtype
    np.testing.assert_array_equal(with_channel[..., :-1], features)
    channel = tf.cast(with_channel[..., -1], tf.float32).numpy()
    np.testing.assert_array_equal(channel, np.broadcast_to(channel[:, :1, :1], channel.shape))
    return channel[:, 0, 0]


def test_two_pictures_deviate_by_half_their_difference():
    # Differences of 2, 4, 6 and 0 over a picture: deviations 1, 2, 3 and 0.0001.
    features = tf.reshape(tf.constant([0.0, 0, 0, 5, 2, 4, 6, 5]), [2, 2, 2, 1])
    np.testing.assert_allclose(stddev_of(features), [6.0001 / 4] * 2, rtol=1e-6)


def test_a_picture_alone_deviates_by_the_root_of_the_epsilon():
    np.testing.assert_allclose(stddev_of(normal(1, 4, 4, 3)), [1e-4], rtol=1e-6)


@pytest.mark.parametrize("batch", [2, 5, 12, 16])
def test_all_batches_of_the_paper_are_measured_whole(batch):
    features = normal(batch, 4, 4, 6)
    expected = oracle.with_stddev(features.astype(np.float64))[:, 0, 0, -1]
    np.testing.assert_allclose(stddev_of(features), expected, rtol=1e-5)


def test_the_order_of_the_batch_does_not_matter():
    features = normal(5, 4, 4, 6)
    np.testing.assert_allclose(stddev_of(features[[3, 0, 4, 1, 2]]), stddev_of(features), rtol=1e-6)


def test_slices_are_measured_apart():
    features = normal(6, 4, 4, 2) * np.repeat([1, 10, 100], 2)[:, None, None, None]
    features = features.astype(np.float32)
    apart = np.concatenate([stddev_of(features[i : i + 2]) for i in (0, 2, 4)])
    np.testing.assert_array_equal(stddev_of(features, slices=3), apart)
    assert len(set(apart)) == 3


def test_the_deviation_of_bfloat16_features_is_taken_in_float32():
    features = tf.constant(300 + normal(16, 4, 4, 6), tf.bfloat16)
    exact = oracle.with_stddev(tf.cast(features, tf.float64).numpy())[0, 0, 0, -1]
    np.testing.assert_allclose(stddev_of(features), exact, rtol=2**-8)


@pytest.mark.parametrize("batch", [1, 4])
def test_gradients_of_identical_pictures_are_finite_to_the_second_order(batch):
    features = tf.ones([batch, 4, 4, 2])
    with tf.GradientTape() as outer:
        outer.watch(features)
        with tf.GradientTape() as inner:
            inner.watch(features)
            total = tf.reduce_sum(tf.square(minibatch_stddev(features)))
        first = inner.gradient(total, features)
        norm = tf.reduce_sum(tf.square(first))
    np.testing.assert_allclose(first, 2.0, rtol=1e-5)
    assert np.isfinite(outer.gradient(norm, features)).all()


# -------------------------------------------------------------------------------------------------
# Layers with equalized learning rate


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
def test_a_pose_convolution_gives_the_same_with_and_without_maps(num_keypoints, upscale):
    layer = PoseConv2D(4, num_keypoints, keypoint_frame=32, upscale=upscale)
    randomized(layer, [16, 16, 3])
    size = 8 if upscale else 16
    features, keypoints = normal(2, size, size, 3), keypoints_in(32, 2, num_keypoints)
    plain = layer.call_plain(features, keypoints)
    np.testing.assert_allclose(layer.call_fast(features, keypoints), plain, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(
        layer(features, keypoints=keypoints), layer.call_fast(features, keypoints)
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
