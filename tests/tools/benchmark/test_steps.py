"""The benchmark of steps: arithmetic counted by hand, figures from given times, the program."""

import json

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.model.config import NetworkConfig
from run_programs import run
from tools.benchmark.steps.arithmetic import function_flops
from tools.benchmark.steps.cases import Case, stages
from tools.benchmark.steps.comparison import best_rate, figures_of, table, with_ratios
from tools.benchmark.steps.convolutions import convolution_shapes, convolutions_of

CASE = Case("train", 8, 4, num_keypoints=3, fmap_base=64, fmap_max=8, fading=True)
TINY = ("--resolution=8", "--batch=2", "--num_keypoints=3", "--fmap_base=32", "--fmap_max=4")


def test_a_convolution_counts_each_tap_of_each_result_twice():
    kernel = tf.ones([3, 3, 5, 7])
    convolve = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"))
    assert function_flops(convolve, tf.ones([2, 8, 8, 5])) == 2 * 9 * 5 * 7 * 2 * 64


def test_gradients_count_when_something_needs_them():
    kernel, images = tf.ones([3, 3, 5, 7]), tf.ones([2, 8, 8, 5])
    forward = 2 * 9 * 5 * 7 * 2 * 64

    def gradients(*by):
        return tf.function(lambda: tf.gradients(tf.nn.conv2d(images, kernel, 1, "SAME"), by))

    # The gradient of a convolution needs its inputs, not its results.
    assert function_flops(gradients(images)) == forward
    assert function_flops(gradients(kernel)) == forward
    assert function_flops(gradients(images, kernel)) == 2 * forward


def test_products_count_in_called_functions_and_as_often_as_called():
    @tf.function
    def inner(x):
        return tf.matmul(x, tf.ones([6, 3]), transpose_a=True)

    outer = tf.function(lambda x: inner(x) + inner(2 * x))
    assert function_flops(outer, tf.ones([6, 4])) == 2 * (2 * 4 * 6 * 3)


def test_the_shapes_are_those_of_both_networks():
    network = NetworkConfig(resolution=8, fmap_base=16, fmap_max=6)  # C(4) = 6, C(8) = 4
    assert convolution_shapes(network, 8) == [(8, 6, 4), (8, 4, 6), (8, 4, 4), (4, 6, 6)]
    assert convolution_shapes(network, 4) == [(4, 6, 6)]


def test_a_bare_convolution_counts_like_its_graph():
    for convolution in convolutions_of(2, (8, 5, 7), "float32"):
        assert convolution.flop == function_flops(tf.function(convolution.call)), convolution.name
        assert convolution.rate() > 0


def test_the_best_rate_is_the_largest_of_the_medians():
    rates = [{"a": 100.0, "b": 90.0}, {"a": 10.0, "b": 95.0}, {"a": 20.0, "b": 99.0}]
    assert best_rate([{"gflops": turn} for turn in rates]) == 95.0


def facts(*secs, gflop=40.0):
    steps = [{"secs": s} for s in secs]
    return {"steps": steps, "gflop": gflop, "plain_gflop": 80.0, "peak_gib": 1.5, "ready_secs": 9.0}


def test_figures_are_those_of_the_median_step_an_image():
    row = figures_of(CASE, "ours", facts(1.0, 2.0, 9.0), best_gflops=50.0)
    assert (row["secs_per_image"], row["gflop_per_image"], row["gflops"]) == (0.5, 10.0, 20.0)
    assert (row["share_of_best"], row["floor_secs_per_image"]) == (0.4, 0.2)


def test_ratios_are_to_the_last_row_and_the_table_shows_them():
    ours = figures_of(CASE, "ours", facts(2.0), best_gflops=50.0)
    peer = figures_of(CASE, "peer", facts(5.0, gflop=50.0), best_gflops=50.0)
    rows = with_ratios([ours, peer])
    assert [row["times_as_fast"] for row in rows] == [2.5, 1.0]
    _, first, last = table(CASE.stage, rows).splitlines()
    assert first.split() == ["ours", "0.500", "2.50", "10.0", "20", "40%", "1.5"]
    assert last.split() == ["peer", "1.250", "1.00", "12.5", "10", "20%", "1.5"]


def test_one_batch_serves_all_resolutions_or_each_has_its_own():
    assert stages(["64", "1024"], ["2"]) == [(64, 2), (1024, 2)]
    assert stages(["64", "1024"], ["16", "2"]) == [(64, 16), (1024, 2)]


@pytest.mark.parametrize("subject", ["train", "generate"])
def test_the_program_lets_forms_and_precisions_take_turns(subject, tmp_path):
    path = tmp_path / "figures.json"
    flags = ("--kernels=fast,plain", "--rounds=2", f"--json={path}")
    status, output = run("tools.benchmark", subject, *TINY, *flags)
    assert status == 0, output
    assert "round 2 of 2" in output
    rows = json.loads(path.read_text())["rows"]
    assert [row["name"] for row in rows] == [
        "psgan_tf, fast, float32",
        "psgan_tf, plain, float32",
    ]
    assert rows[-1]["times_as_fast"] == 1.0
    for row in rows:
        assert len(row["all_secs"]) == 2
        assert np.isfinite([v for v in row.values() if isinstance(v, float)]).all()
        assert 0 < row["gflop_per_image"] < 2 * row["plain_gflop_per_image"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--batch=2,2", "`batch` must be one number, or one for each resolution"),
        ("--resolution=x", "`resolution` must be whole numbers"),
        ("--resolution=48", "`resolution` must be a power of two"),
        ("--kernels=quick", "`kernels` must be one or more of fast, plain"),
        ("--precision=float16", "`precision` must be one or more of float32, bfloat16"),
    ],
)
def test_a_stage_that_is_none_is_refused_in_one_line(argument, message):
    status, output = run("tools.benchmark", "train", argument)
    assert status == 1
    assert message in output
    assert "Traceback" not in output
