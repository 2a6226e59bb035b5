"""The training program as a user meets it: real processes, killed, resumed and refused."""

import json
import os
import re
import signal

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from psgan_tf import train
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.keypoints.schema import Skeleton
from psgan_tf.training.checkpoints import newest_whole_checkpoint
from run_programs import checkpoints, finish, kill, run, start, wait_for
from tiny_data import write_dataset

TINY = (
    "--resolution=8",
    "--latent_size=8",
    "--fmap_base=64",
    "--fmap_max=8",
    "--batch_size=4",
    "--fade_kimg=0.04",
    "--stabilize_kimg=0.016",
    "--tick_kimg=0.008",
    "--sample_kimg=1",
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    write_dataset(directory)
    return directory


@pytest.fixture
def call_main(capsys):
    """The program's main in this process, for what is refused before any device is started."""

    def call(*arguments):
        flags.FLAGS.unparse_flags()
        flags.FLAGS(["train", *arguments])
        saved = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return train.main(), capsys.readouterr().out
        except ValueError as error:
            return 1, str(error)
        finally:
            for number, handler in saved.items():
                signal.signal(number, handler)
            for flag in flags.FLAGS.flags_by_module_dict()[train.__name__]:
                flag.unparse()

    return call


def tensors(run_dir):
    """All that the newest checkpoint holds."""
    reader = tf.train.load_checkpoint(newest_whole_checkpoint(run_dir / "checkpoints"))
    keys = [k for k in reader.get_variable_to_shape_map() if "save_counter" not in k]
    return {key: reader.get_tensor(key) for key in keys if key != "_CHECKPOINTABLE_OBJECT_GRAPH"}


def ticks(run_dir):
    rows = [json.loads(line) for line in (run_dir / "stats.jsonl").read_text().splitlines()]
    return [row["images_shown"] for row in rows], rows


def test_killed_in_mid_fade_and_started_again_it_ends_as_if_never_stopped(data_dir, tmp_path):
    own = (*TINY, f"--data_dir={data_dir}")
    whole = start("psgan_tf.train", *own, f"--run_dir={tmp_path / 'whole'}")
    # A checkpoint after every batch, so that the kill comes in the middle of the fade.
    often = (*own, f"--run_dir={tmp_path / 'killed'}", "--checkpoint_minutes=0.00001")
    process = start("psgan_tf.train", *often)
    wait_for(process, lambda: [n for n in checkpoints(tmp_path / "killed") if 20 <= n <= 48])
    kill(process)
    resumed_at = checkpoints(tmp_path / "killed")[-1]
    assert 16 < resumed_at < 56, "the kill missed the fade"
    status, output = run("psgan_tf.train", *often)
    assert status == 0, output
    assert "going on at" in output
    whole_status, whole_output = finish(whole)
    assert whole_status == 0, whole_output
    expected, found = tensors(tmp_path / "whole"), tensors(tmp_path / "killed")
    assert expected.keys() == found.keys()
    assert any(".OPTIMIZER_SLOT" in key for key in expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)
    whole_ticks, _ = ticks(tmp_path / "whole")
    killed_ticks, rows = ticks(tmp_path / "killed")
    # Each checkpoint ends a tick too; none is doubled, none lost.
    assert whole_ticks == list(range(8, 73, 8))
    assert killed_ticks == list(range(4, 73, 4))
    assert [row["from_images"] for row in rows] == [0, *killed_ticks[:-1]]
    grids = sorted(path.name for path in (tmp_path / "killed" / "samples").iterdir())
    assert grids == [f"images-{n:09d}.png" for n in (16, 56, 72)]
    first, second = ((tmp_path / run / "samples" / grids[-1]) for run in ("whole", "killed"))
    assert first.read_bytes() == second.read_bytes()


def test_sigterm_saves_what_was_trained_and_says_how_to_go_on(data_dir, tmp_path):
    long = (*TINY, "--stabilize_kimg=1000", f"--data_dir={data_dir}", f"--run_dir={tmp_path}")
    process = start("psgan_tf.train", *long)
    wait_for(process, (tmp_path / "stats.jsonl").exists)
    # Another training in the same directory is refused meanwhile.
    status, output = run("psgan_tf.train", *long)
    assert status == 1
    assert "where another one runs" in output
    process.send_signal(signal.SIGTERM)
    status, output = finish(process)
    assert status == 128 + signal.SIGTERM
    (saved,) = checkpoints(tmp_path)
    assert f"stopped at {saved} images; run the same command again to go on" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resolution=48"], "`resolution` must be a power of two"),
        (["--resolution=32"], r"`resolution` must be one that the data was converted to.*\[32\]"),
        (["--num_keypoints=18"], r"`num_keypoints` must be 0 or the data's 3 \(tail3\)"),
        (["--batch_size=16,4"], "`batch_size` must be a number, then exceptions"),
        (["--batch_size=0"], "`batch_size` must be a whole number of at least 1"),
        (["--learning_rate=0"], "`learning_rate` must be positive"),
        (["--precision=float16"], "`precision` must be one of float32, bfloat16"),
        (["--pose_resolutions=4,x"], "`pose_resolutions` must be whole numbers"),
        (["--pose_resolutions=64"], "`pose_resolutions` must be among"),
        (["--pose_scale=2"], "`pose_scale` must come with --pose_maps=equalized"),
        (["--pose_maps=equalized", "--pose_scale=0"], r"`pose_scale` must lie in \(0, 64"),
        (["--limb_points=-1"], "`limb_points` must be at least 0"),
        (["--devices=GPU:7"], "`devices` must be among"),
        (["--fade_kimg=0", "--stabilize_kimg=0"], "at least one phase with images"),
        (["--init_from=nowhere"], "`run_dir` must be the directory of a training run"),
        (["--devices=CPU:0,CPU:0"], "`devices` must name each device once"),
        (["--tick_kimg=often"], "`tick_kimg` must be a number"),
        (["--sample_kimg=1,x"], "`sample_kimg` must be a number"),
        (["--data_dir=nowhere"], "nowhere.*does not exist.*make_tfrecords"),
        (["--run_dir="], "`run_dir` must be given"),
        (["--memory_budget_gib=11"], "`memory_budget_gib` must come with --probe_memory"),
        (["--multi_worker"], "`TF_CONFIG` must name all workers under --multi_worker"),
    ],
)
def test_what_cannot_work_is_refused_before_any_device_work(
    data_dir, tmp_path, call_main, arguments, message
):
    run_dir = tmp_path / "run"
    status, printed = call_main(*TINY, f"--data_dir={data_dir}", f"--run_dir={run_dir}", *arguments)
    assert status == 1
    assert re.search(message, printed), printed
    assert not run_dir.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--devices=CPU:0"], "`devices` must be left out under --multi_worker"),
        (["--probe_memory"], "`probe_memory` must be asked of one process"),
        (
            ["--strict_batch"],
            "multiple of the replicas under --strict_batch. Received: 4 at 4 with 3",
        ),
    ],
)
def test_what_cannot_work_with_three_workers_is_refused_before_they_meet(
    data_dir, tmp_path, call_main, monkeypatch, arguments, message
):
    cluster = {"worker": ["a:1", "b:2", "c:3"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    own = (*TINY, f"--data_dir={data_dir}", f"--run_dir={tmp_path / 'run'}", "--multi_worker")
    status, printed = call_main(*own, *arguments)
    assert status == 1
    assert message in printed
    assert not (tmp_path / "run").exists()


def begin(run_dir, options, data_dir):
    """A run directory as far as the checks look: options, card and the name of a checkpoint."""
    (run_dir / "options.json").write_text(options)
    DatasetCard.load(data_dir).save(run_dir)
    (run_dir / "checkpoints").mkdir()
    (run_dir / "checkpoints" / "ckpt-4.index").touch()


def test_a_start_that_failed_pins_nothing(data_dir, tmp_path, call_main):
    (tmp_path / "options.json").write_text("{}")
    own = (*TINY, f"--data_dir={data_dir}", f"--run_dir={tmp_path}", "--devices=GPU:9")
    status, printed = call_main(*own)
    assert (status, "`devices` must be among" in printed) == (1, True)


def test_data_of_another_schema_is_refused_when_a_run_goes_on(
    data_dir, tmp_path, tmp_path_factory, call_main
):
    own = (*TINY, f"--run_dir={tmp_path}")
    _, printed = call_main(*own, f"--data_dir={data_dir}", "--dry_run")
    begin(tmp_path, printed.split("\nphase ")[0], data_dir)
    other = tmp_path_factory.mktemp("other")
    write_dataset(other, skeleton=Skeleton("other3", ("a", "b", "c")))
    status, printed = call_main(*own, f"--data_dir={other}")
    assert status == 1
    assert "`data_dir` must keep the skeleton" in printed


def test_a_damaged_shard_ends_training_in_one_line(tmp_path):
    write_dataset(tmp_path / "data")
    shard = next((tmp_path / "data").glob("*r0004*00001-of*"))
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    status, output = run(
        "psgan_tf.train", *TINY, f"--data_dir={tmp_path / 'data'}", f"--run_dir={tmp_path / 'run'}"
    )
    assert status == 1
    assert "a file is damaged" in output.splitlines()[-1]
    assert "Traceback" not in output


def test_another_architecture_in_a_run_directory_is_refused_by_the_flags_name(
    data_dir, tmp_path, call_main
):
    own = (*TINY, f"--data_dir={data_dir}", f"--run_dir={tmp_path}")
    _, printed = call_main(*own, "--dry_run")
    begin(tmp_path, printed.split("\nphase ")[0], data_dir)
    status, printed = call_main(*own, "--fmap_max=4")
    assert status == 1
    assert "`fmap_max` must stay 8" in printed


def test_a_broken_options_file_is_named(data_dir, tmp_path, call_main):
    begin(tmp_path, "{}", data_dir)
    status, printed = call_main(*TINY, f"--data_dir={data_dir}", f"--run_dir={tmp_path}")
    assert status == 1
    assert "`options.json` must hold the options of a run" in printed


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_run_directory_is_refused(data_dir, tmp_path, call_main):
    tmp_path.chmod(0o500)
    status, printed = call_main(*TINY, f"--data_dir={data_dir}", f"--run_dir={tmp_path / 'run'}")
    assert (status, "can be written" in printed) == (1, True)


def test_a_run_directory_that_is_a_file_is_refused(data_dir, tmp_path, call_main):
    (tmp_path / "run").write_text("not a folder")
    status, printed = call_main(*TINY, f"--data_dir={data_dir}", f"--run_dir={tmp_path / 'run'}")
    assert status == 1
    assert "`run_dir` must be a folder that can be written" in printed


@pytest.mark.parametrize(
    ("preset", "resolution", "keypoints", "phases", "images"),
    [
        ("avatar", 1024, 20, 17, 10_200_000),
        ("deepfashion", 256, 18, 13, 7_800_000),
        ("progan", 256, 0, 13, 7_800_000),
    ],
)
def test_the_papers_presets_resolve_to_the_papers_runs(
    call_main, preset, resolution, keypoints, phases, images
):
    status, printed = call_main(f"--flagfile={preset}.flags", "--dry_run")
    assert status == 0
    options, table = printed.split("\nphase ", 1)
    network = json.loads(options)["network"]
    assert (network["resolution"], network["num_keypoints"]) == (resolution, keypoints)
    assert (network["fmap_base"], network["fmap_max"], network["latent_size"]) == (8192, 512, 512)
    assert (network["pose_maps"], network["limb_points"], network["limbs"]) == ("paper", 0, [])
    lines = table.strip().splitlines()[1:]
    assert len(lines) == phases
    assert float(lines[-1].split()[-1]) * 1000 == images


def test_points_along_limbs_are_those_of_the_datas_skeleton(data_dir, tmp_path, call_main):
    own = (*TINY, f"--data_dir={data_dir}", "--limb_points=2", "--dry_run")
    _, printed = call_main(*own)
    network = json.loads(printed.split("\nphase ")[0])["network"]
    assert (network["limb_points"], network["limbs"]) == (2, [[0, 1], [0, 2]])
    write_dataset(tmp_path, skeleton=Skeleton("other3", ("a", "b", "c")))
    status, printed = call_main(*own, f"--data_dir={tmp_path}")
    assert (
        status,
        "`limb_points` must be 0 where the data's skeleton names no limbs" in printed,
    ) == (
        1,
        True,
    )


def test_the_module_runs_without_arguments_and_says_what_is_missing():
    status, output = run("psgan_tf.train")
    assert status == 1
    assert output == (
        "psgan_tf.train: `data_dir` must be given. Received: nothing. Set --data_dir=FOLDER.\n"
    )


def test_a_flag_that_does_not_exist_ends_in_one_line():
    status, output = run("psgan_tf.train", "--resolutoin=64")
    assert status != 0
    assert output.count("\n") == 1
    assert "resolutoin" in output
