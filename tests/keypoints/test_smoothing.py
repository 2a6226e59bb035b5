"""Smoothing of keypoints: what it must keep, and that trembling becomes less."""

import numpy as np
import pytest

from psgan_tf.keypoints.smoothing import Smoothing, gaussian, one_euro

FPS = 30.0
GAUSSIAN, ONE_EURO = Smoothing("gaussian"), Smoothing("one_euro")


def joints(xy, visible=None):
    """[F, 1, 3] of places [F, 2]."""
    xy = np.asarray(xy, np.float32)
    visible = np.ones(len(xy)) if visible is None else visible
    return np.concatenate([xy, np.reshape(visible, (-1, 1))], axis=1)[:, None].astype(np.float32)


def apply(smoothing, keypoints, closed=False):
    return smoothing.apply(keypoints, FPS, 256, closed)


@pytest.mark.parametrize("smoothing", [Smoothing(), GAUSSIAN, ONE_EURO])
def test_a_joint_at_rest_stays(smoothing):
    still = joints(np.full([20, 2], 40.0))
    np.testing.assert_allclose(apply(smoothing, still), still, atol=1e-4)


@pytest.mark.parametrize("smoothing", [GAUSSIAN, ONE_EURO])
def test_trembling_becomes_less(smoothing):
    rng = np.random.default_rng(0)
    trembling = joints(100 + rng.normal(0, 1.0, [300, 2]))
    smooth = apply(smoothing, trembling)
    assert smooth[20:, 0, :2].std() < 0.6 * trembling[20:, 0, :2].std()


def test_gaussian_weights_are_those_of_the_bell():
    impulse = np.zeros([41, 2])
    impulse[20] = 100
    smooth = gaussian(joints(impulse), FPS, sigma_secs=2 / FPS)[:, 0, 0]
    bell = np.exp(-0.5 * (np.arange(-20, 21) / 2.0) ** 2)
    np.testing.assert_allclose(smooth, 100 * bell / bell.sum(), atol=0.01)


def test_gaussian_shifts_nothing_in_time():
    ramp = joints(np.arange(60.0)[:, None].repeat(2, axis=1))
    np.testing.assert_allclose(gaussian(ramp, FPS, 0.1)[15:45], ramp[15:45], atol=1e-3)


def test_one_euro_follows_its_definition():
    """The filter written out in scalars, as in the paper's listing."""
    rng = np.random.default_rng(1)
    x = np.cumsum(rng.normal(0, 3, 50)) + 100

    def low_pass(value, before, cutoff):
        tau = 1 / (2 * np.pi * cutoff)
        share = 1 / (1 + tau * FPS)
        return share * value + (1 - share) * before

    expected, speed = [x[0]], 0.0
    for value in x[1:]:
        speed = low_pass((value - expected[-1]) * FPS, speed, 1.0)
        expected.append(low_pass(value, expected[-1], 1.5 + 20 * abs(speed) / 256))
    found = one_euro(joints(np.stack([x, np.zeros(50)], 1)), FPS, 256, cutoff_hz=1.5)
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-3)


def test_one_euro_lags_less_on_fast_joints_than_a_plain_low_pass():
    fast = joints(10 * np.arange(30.0)[:, None].repeat(2, axis=1))
    lag = fast[-1] - one_euro(fast, FPS, 256)[-1]
    plain_lag = fast[-1] - one_euro(fast, FPS, 256, speed_factor=0.0)[-1]
    assert 0 < lag[0, 0] < 0.2 * plain_lag[0, 0]


@pytest.mark.parametrize("smoothing", [GAUSSIAN, ONE_EURO])
def test_missing_joints_stay_missing_and_pull_at_nothing(smoothing):
    visible = np.ones(30)
    visible[10:15] = 0
    places = np.full([30, 2], 50.0)
    places[10:15] = 0
    smooth = apply(smoothing, joints(places, visible))
    np.testing.assert_array_equal(smooth[:, 0, 2], visible)
    np.testing.assert_allclose(smooth[visible == 1, 0, :2], 50, atol=1e-4)
    np.testing.assert_array_equal(smooth[10:15, 0, :2], 0)


@pytest.mark.parametrize("smoothing", [GAUSSIAN, ONE_EURO])
def test_a_loop_stays_a_loop_wherever_it_begins(smoothing):
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = joints(np.stack([100 + 40 * np.cos(angle), 100 + 40 * np.sin(angle)], axis=1))
    smooth = apply(smoothing, circle, closed=True)
    rolled = apply(smoothing, np.roll(circle, 17, axis=0), closed=True)
    np.testing.assert_allclose(np.roll(smooth, 17, axis=0), rolled, atol=0.05)
    jump = np.linalg.norm(smooth[0, 0, :2] - smooth[-1, 0, :2])
    assert jump == pytest.approx(np.linalg.norm(smooth[1, 0, :2] - smooth[0, 0, :2]), rel=0.05)
