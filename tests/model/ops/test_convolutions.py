"""The cheaper forms of convolutions against the plain ones: values, first, second derivatives."""

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.model.ops.convolutions import convolve_upscaled
from psgan_tf.model.ops.pose_convolution import add_pose, pose_bias
from psgan_tf.model.ops.pose_maps import draw_pose_maps
from psgan_tf.model.ops.resizing import upscale2x
from second_derivatives import assert_same, normal

FRAME = 64
BIAS = [0.5, -1.0, 2.0, 0.0, 0.25]


def plain_upscaled(features, kernel):
    return tf.nn.conv2d(upscale2x(features), kernel, 1, "SAME") + BIAS


PAPER, EQUALIZED, OTHER = (-1.0, 1.0), (0.0, 8.0), (0.25, -2.0)


def fast_pose(features, kernel, keypoints, values=PAPER):
    channels = features.shape[3]
    pose_kernel = kernel[:, :, channels:]
    outputs = tf.nn.conv2d(features, kernel[:, :, :channels], 1, "SAME")
    outputs += pose_bias(pose_kernel, values[0])
    return add_pose(outputs, keypoints, pose_kernel, frame=FRAME, values=values)


def plain_pose(features, kernel, keypoints, values=PAPER):
    resolution = features.shape[1]
    maps = draw_pose_maps(keypoints, resolution=resolution, frame=FRAME, values=values)
    return tf.nn.conv2d(tf.concat([features, maps], axis=-1), kernel, 1, "SAME")


@pytest.mark.parametrize("size", [4, 7])
def test_a_convolution_of_doubled_pixels_needs_no_doubling(size):
    assert_same(
        lambda x, w: convolve_upscaled(x, w, tf.constant(BIAS)),
        plain_upscaled,
        normal(2, size, size, 3),
        0.3 * normal(3, 3, 3, 5),
    )


def poses(count, num_keypoints):
    """Keypoints all over the frame, beyond it, in its corners, and some that are missing."""
    rng = np.random.default_rng(3)
    keypoints = rng.uniform(-4, FRAME + 4, (count, num_keypoints, 3)).astype(np.float32)
    keypoints[..., 2] = rng.uniform(size=(count, num_keypoints)) < 0.8
    keypoints[0, :4] = [[0, 0, 1], [FRAME - 0.01, 0, 1], [0, FRAME - 0.01, 1], [FRAME, 5, 1]]
    keypoints[-1, :, 2] = 0
    return tf.constant(keypoints)


@pytest.mark.parametrize("values", [PAPER, EQUALIZED, OTHER])
@pytest.mark.parametrize("resolution", [4, 16])
def test_a_pose_needs_no_maps(resolution, values):
    keypoints = poses(3, 20)
    assert_same(
        lambda x, w: fast_pose(x, w, keypoints, values),
        lambda x, w: plain_pose(x, w, keypoints, values),
        normal(3, resolution, resolution, 2),
        0.3 * normal(3, 3, 22, 5),
    )


def test_keypoints_in_one_pixel_add_up():
    keypoints = tf.constant([[[5.0, 5.0, 1.0], [5.2, 5.3, 1.0]]])
    features, kernel = normal(1, 8, 8, 1), normal(3, 3, 3, 2)
    np.testing.assert_allclose(
        fast_pose(features, kernel, keypoints), plain_pose(features, kernel, keypoints), atol=1e-5
    )
