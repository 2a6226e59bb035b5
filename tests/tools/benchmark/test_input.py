"""The benchmark of the input: what it reads, what it reckons, and the program itself."""

import json

import numpy as np
import pytest

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.input_pipeline import TrainingData
from run_programs import run
from tiny_data import write_dataset
from tools.benchmark.inputs.rates import Row, read, reckoned_step, table
from tools.benchmark.inputs.shards import repeat_examples
from tools.benchmark.steps.cases import Case

CASE = Case("train", 8, 4, num_keypoints=3, fmap_base=64, fmap_max=8, fading=True)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    write_dataset(directory)
    return directory


def training_data(directory):
    return TrainingData(directory, DatasetCard.load(directory), 0, False, 3)


def test_repeated_shards_hold_each_example_so_many_times(tmp_path):
    write_dataset(tmp_path, examples=5, shards=2)
    before = [pose.tobytes() for pose in training_data(tmp_path).keypoint_table()]
    repeat_examples(tmp_path, 3)
    after = [pose.tobytes() for pose in training_data(tmp_path).keypoint_table()]
    assert len(after) == training_data(tmp_path).num_examples == 15
    assert {pose: after.count(pose) for pose in after} == dict.fromkeys(before, 3)
    (images, _) = next(iter(training_data(tmp_path).batches(16, 15, 0)))
    assert images.shape == (15, 16, 16, 3)


def test_reading_counts_whole_batches_and_processor_time(data_dir):
    delivered, cpu_secs = read(training_data(data_dir), 8, 4, secs=0)
    assert np.isfinite(delivered)
    assert delivered > 0
    assert cpu_secs > 0


def test_a_step_is_reckoned_from_its_arithmetic_but_never_shorter_than_stated():
    # Multiplications of a picture by hand: 4 forward passes of G and 14 of D, C(4) = C(8) = 8.
    generator = 16 * 8 * 512 + 9 * 16 * (8 + 3) * 8 + 9 * 64 * ((8 + 3) * 8 + 8 * 8)
    discriminator = 16 * 8 * 8 + 8 + 9 * 16 * (8 + 1 + 3) * 8 + 9 * 64 * ((8 + 3) * 8 + 8 * 8)
    flop = 2 * (4 * generator + 14 * discriminator)
    assert reckoned_step(CASE, 1e-6, least_ms=0) == pytest.approx(1e6 / flop)
    assert reckoned_step(CASE, 100, least_ms=2) == pytest.approx(4 / 0.002)


def test_the_table_has_a_line_for_each_resolution():
    row = Row(1024, 2, delivered=240.0, cpu_secs=0.008, eaten=50.0)
    assert (row.ratio, row.busy_cores) == pytest.approx((4.8, 0.4))
    header, line = table([row]).splitlines()
    assert len(header) == len(line)
    assert line.split() == ["1024", "2", "240", "8000", "50.0", "4.8", "0.40"]


def test_the_program_reads_a_users_shards(data_dir, tmp_path):
    status, output = run(
        "tools.benchmark", "input", f"--data_dir={data_dir}", "--secs=0.1", "--batch_size=4,16:2",
        "--eats_tflops=50", "--eats_least_ms=4", f"--json={tmp_path / 'input.json'}",
    )  # fmt: skip
    assert status == 0, output
    figures = json.loads((tmp_path / "input.json").read_text())
    rows = figures["resolutions"]
    assert figures["step"] == "reckoned at 50.0 TFLOP/s"
    assert [(row["resolution"], row["batch"], row["eaten"]) for row in rows] == [
        (4, 4, 1000.0),
        (8, 4, 1000.0),
        (16, 2, 500.0),
    ]
    assert all(row["ratio"] == row["delivered"] / row["eaten"] for row in rows)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--data_dir=nowhere", "nowhere"),
        ("--resolutions=8,32", "`resolutions` must be among those of the shards, [4, 8, 16]"),
        ("--eats_tflops=0", "`eats_tflops` must be positive"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(data_dir, argument, message):
    status, output = run("tools.benchmark", "input", f"--data_dir={data_dir}", argument)
    assert status == 1
    assert message in output
    assert "Traceback" not in output
