"""The paper's schedule from end to end, killed and resumed: `make soak`."""

import json

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.training.checkpoints import newest_whole_checkpoint
from psgan_tf.training.config import load_options
from psgan_tf.training.schedule import build_schedule
from run_programs import checkpoints, kill, run, start, wait_for
from tiny_data import write_dataset

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("avatar")
    write_dataset(directory, frame=1024, examples=20, shards=2, skeleton=SKELETONS["avatar20"])
    return directory


def phase_ends(run_dir):
    """Images shown at the end of each phase, batches running over where they do not divide."""
    rows = [json.loads(line) for line in (run_dir / "stats.jsonl").read_text().splitlines()]
    return {row["phase"]: row["images_shown"] for row in rows}


def test_avatar_flags_pass_all_17_phases_to_1024_killed_in_three_of_them(data_dir, tmp_path):
    command = (
        "psgan_tf.train",
        "--flagfile=avatar.flags",
        f"--data_dir={data_dir}",
        f"--run_dir={tmp_path}",
        # Only images and widths differ from the paper's run.
        "--fade_kimg=0.048,16:0.32,256:0.12,512:0.02,1024:0.012",
        "--stabilize_kimg=0.048,512:0.02,1024:0.004",
        "--fmap_base=2048",
        "--fmap_max=8",
        # Not of the network or its schedule: a kill should find a checkpoint of its phase.
        "--checkpoint_minutes=0.001",
    )
    process = start(*command)
    wait_for(process, (tmp_path / "options.json").exists)
    schedule = build_schedule(load_options(tmp_path))
    assert len(schedule.phases) == 17
    resumed_at = None
    for phase in (schedule.phases[3], schedule.phases[11], schedule.phases[15]):
        inside = range(phase.start_images + 1, phase.end_images)
        wait_for(process, lambda inside=inside: set(inside) & set(checkpoints(tmp_path)))
        kill(process)
        resumed_at = checkpoints(tmp_path)[-1]
        assert phase.start_images < resumed_at < phase.end_images, f"missed {phase.name}"
        process = start(*command)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert f"going on at {resumed_at} images" in output
    assert list(phase_ends(tmp_path)) == [phase.name for phase in schedule.phases]
    assert phase_ends(tmp_path)["1024x1024 stabilize"] >= schedule.total_images
    rows = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    shown = [row["images_shown"] for row in rows]
    assert [row["from_images"] for row in rows] == [0, *shown[:-1]], "a tick is doubled or lost"
    assert all(np.isfinite(row["discriminator_loss"]) for row in rows)
    reader = tf.train.load_checkpoint(newest_whole_checkpoint(tmp_path / "checkpoints"))
    for key in reader.get_variable_to_shape_map():
        if key != "_CHECKPOINTABLE_OBJECT_GRAPH":
            assert np.isfinite(reader.get_tensor(key)).all(), key
    status, output = run(
        "psgan_tf.generate", f"--run_dir={tmp_path}", "--seeds=0", f"--poses={pose(tmp_path)}"
    )
    assert status == 0, output
    assert "1 pictures of 1024 px" in output


def pose(directory):
    """One pose of the avatar in a file."""
    frame = [[100.0 + 40 * row, 500.0, 1] for row in range(20)]
    document = {"schema": "avatar20", "image_size": [1024, 1024], "frames": [frame]}
    path = directory / "pose.json"
    path.write_text(json.dumps(document))
    return path
