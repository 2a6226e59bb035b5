"""Reports of a run: ticks, rows kept over a resume, sample grids."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.images.pictures import to_uint8
from psgan_tf.model.latents import latents_from_seeds
from psgan_tf.training.checkpoints import new_state
from psgan_tf.training.reporting import Reporter, Tick, keep_rows_up_to
from psgan_tf.training.sample_grid import SampleGrid
from psgan_tf.training.schedule import build_schedule
from tiny_data import tiny_config, write_dataset


def tick_of(growth, *losses):
    tick = Tick(0)
    for loss in losses:
        with tick.clock(growth, counts=True):
            pass
        tick.add({"generator_loss": tf.constant(loss), "generator_skipped": tf.constant(0.0)})
    return tick


@pytest.fixture
def schedule():
    return build_schedule(tiny_config("data", "run"))


def test_a_tick_reports_means_over_its_batches(schedule):
    tick = tick_of(schedule.growth_at(0), 1.0, 2.0, 6.0)
    tick.check_finite()
    assert tick.means["generator_loss"] == pytest.approx(3.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_tick_names_the_quantity_and_the_images_that_broke(schedule, bad):
    tick = tick_of(schedule.growth_at(4), 1.0, bad, 2.0)
    with pytest.raises(FloatingPointError, match=r"generator_loss.* between 0 and 8 images"):
        tick.check_finite()


def test_a_batch_that_was_traced_first_says_nothing_on_speed(schedule):
    tick = Tick(0)
    with tick.clock(schedule.growth_at(0), counts=False):
        pass
    tick.add({"generator_loss": tf.constant(0.0)})
    tick.check_finite()
    assert tick.secs_per_image is None


def test_rows_after_the_checkpoint_and_half_a_line_are_dropped(tmp_path):
    path = tmp_path / "stats.jsonl"
    rows = [json.dumps({"images_shown": n, "loss": 0.5}) for n in (8, 16, 24)]
    path.write_text("\n".join(rows) + '\n{"images_sh')
    keep_rows_up_to(path, 16)
    assert path.read_text().splitlines() == rows[:2]


def test_rows_of_a_run_that_has_none_are_no_error(tmp_path):
    keep_rows_up_to(tmp_path / "stats.jsonl", 100)
    assert not (tmp_path / "stats.jsonl").exists()


@pytest.fixture
def grid_and_state(tmp_path):
    card = write_dataset(tmp_path / "data", examples=12)
    config = tiny_config(tmp_path / "data", tmp_path)
    data = TrainingData(Path(config.data_dir), card, 0, False, 3)
    return SampleGrid(data, config.network), new_state(config.network, ema_decay=0.999), config


def test_a_sample_grid_shows_real_picture_skeleton_and_each_seed(grid_and_state, schedule):
    grid, state, config = grid_and_state
    growth = schedule.growth_at(32)
    picture = grid.draw(state, growth)
    assert picture.shape == (8 * 64, 6 * 64, 3)
    data = TrainingData(Path(config.data_dir), DatasetCard.load(config.data_dir), 0, False, 3)
    images, poses = zip(*data.first_examples(8, 6), strict=True)
    np.testing.assert_array_equal(picture[:64:8, :64:8], images[0])
    # Seed 4 in pose 2: the averaged generator's own picture, enlarged by 8.
    drawn = state.generator(
        latents_from_seeds(np.array([4]), 8), keypoints=poses[2][None], resolution=8
    )
    cell = picture[6 * 64 : 7 * 64 : 8, 2 * 64 : 3 * 64 : 8].astype(int)
    np.testing.assert_allclose(cell, to_uint8(drawn[0].numpy()), atol=1)


def test_a_report_leaves_a_row_a_picture_and_events(tmp_path, grid_and_state, schedule, capsys):
    grid, state, config = grid_and_state
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    reporter = Reporter(run_dir, config.network, grid, images_shown=0)
    growth = schedule.growth_at(16)
    tick = Tick(16)
    with tick.clock(growth, counts=True):
        pass
    names = ("generator_loss", "discriminator_loss", "real_score", "fake_score", "gradient_norm")
    tick.add(dict.fromkeys(names, tf.constant(1.5)) | skipped(0.25))
    tick.check_finite()
    reporter.tick(tick, schedule)
    reporter.samples(state, growth)
    (row,) = [json.loads(line) for line in (run_dir / "stats.jsonl").read_text().splitlines()]
    assert (row["images_shown"], row["from_images"], row["phase"]) == (20, 16, "8x8 fade")
    assert row["alpha"] == 0.25
    printed = capsys.readouterr().out
    assert "8x8 fade alpha 0.250 | 0.0 kimg | loss G 1.50 D 1.50" in printed
    assert "25.0% updates skipped" in printed
    assert Image.open(run_dir / "samples" / "images-000000020.png").size == (384, 512)
    tags = set()
    for path in (run_dir / "logs").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
            if event.summary.value and event.summary.value[0].tag == "samples":
                encoded = event.summary.value[0].tensor.string_val[2]
                assert Image.open(io.BytesIO(encoded)).size == (384, 512)
    assert {"loss/generator_loss", "score/real_score", "schedule/alpha", "samples"} <= tags


def skipped(share):
    return {"generator_skipped": tf.constant(share), "discriminator_skipped": tf.constant(0.0)}


def test_a_run_without_poses_has_a_grid_without_skeletons(tmp_path):
    card = write_dataset(tmp_path, examples=12)
    config = tiny_config(tmp_path, tmp_path)
    network = type(config.network)(**{**vars(config.network), "num_keypoints": 0})
    grid = SampleGrid(TrainingData(tmp_path, card, 0, False, 0), network)
    growth = build_schedule(config).growth_at(0)
    picture = grid.draw(new_state(network, ema_decay=0.999), growth)
    assert (picture[64:128] == 255).all()
