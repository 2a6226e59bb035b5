"""Training over several workers: real processes on this machine that meet, die, and go on."""

import json
import re
import signal

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.training.checkpoints import CheckpointStore, newest_whole_checkpoint
from psgan_tf.training.config import to_json
from run_programs import checkpoints, finish, free_ports, kill, start, wait_for
from tiny_data import make_trainer, tiny_config, train_steps, write_dataset

# Four batches at 4 x 4, then a long fade to 8 x 8; the networks are those of `tiny_config`.
SCHEDULE = {"fade_kimg": "2", "stabilize_kimg": "0.016,8:0", "learning_rate": "0.0001"}
TINY = ("--resolution=8", "--latent_size=8", "--fmap_base=64", "--fmap_max=8", "--batch_size=4")
LOST = "another worker ended or cannot be reached"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    write_dataset(directory)
    return directory


def start_workers(ports, *flags, flags_of_last=()):
    """Starts a worker at each port; the first is the chief."""
    addresses = [f"localhost:{port}" for port in ports]
    workers = []
    for index in range(len(ports)):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        own = flags_of_last if index == len(ports) - 1 else ()
        environment = {"TF_CONFIG": json.dumps(config)}
        program = ("psgan_tf.train", "--multi_worker", *TINY, *flags, *own)
        workers.append(start(*program, environment=environment))
    return workers


def tensors(run_dir):
    """All that the newest checkpoint holds."""
    reader = tf.train.load_checkpoint(newest_whole_checkpoint(run_dir / "checkpoints"))
    keys = [k for k in reader.get_variable_to_shape_map() if "save_counter" not in k]
    return {key: reader.get_tensor(key) for key in keys if key != "_CHECKPOINTABLE_OBJECT_GRAPH"}


def one_process_of_two_replicas(data_dir, run_dir, two_cpus, images_shown):
    """The same training on two logical CPUs of this process, never interrupted."""
    trainer = make_trainer(tiny_config(data_dir, run_dir, **SCHEDULE), strategy=two_cpus)
    train_steps(trainer, images_shown // 4)
    CheckpointStore(run_dir, trainer.state, keep=1).save()
    return tensors(run_dir)


def ended_with(worker, status, pattern):
    """Asserts how a worker ended: status, last line, no traceback."""
    found, output = finish(worker)
    assert found == status, output
    assert re.search(pattern, output.splitlines()[-1]), output
    assert "Traceback" not in output
    return output


def test_workers_killed_and_going_on_train_bit_for_bit_like_one_process(
    data_dir, tmp_path, two_cpus
):
    run_dir = tmp_path / "run"
    flags = [f"--{name}={value}" for name, value in SCHEDULE.items()]
    # A checkpoint after each batch, so that the kill comes right after one.
    flags += [f"--data_dir={data_dir}", f"--run_dir={run_dir}", "--checkpoint_minutes=0.000001"]
    ports = free_ports(2)
    chief, other = start_workers(ports, *flags)
    wait_for(chief, lambda: checkpoints(run_dir))
    kill(chief)
    ended_with(other, 1, f"psgan_tf.train: {LOST}.*go on from the last checkpoint")
    killed_at = checkpoints(run_dir)[-1]

    chief, other = start_workers(ports, *flags)
    wait_for(chief, lambda: [n for n in checkpoints(run_dir) if n > max(killed_at, 20)])
    other.send_signal(signal.SIGTERM)
    stopped = r"stopped at (\d+) images; run the same command again"
    output = ended_with(chief, 128 + signal.SIGTERM, stopped)
    ended_with(other, 128 + signal.SIGTERM, stopped)
    assert f"going on at {killed_at} images" in output
    stopped_at = checkpoints(run_dir)[-1]
    assert f"stopped at {stopped_at} images" in output

    found = tensors(run_dir)
    expected = one_process_of_two_replicas(data_dir, tmp_path / "one", two_cpus, stopped_at)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)
    rows = [json.loads(line) for line in (run_dir / "stats.jsonl").read_text().splitlines()]
    assert [row["images_shown"] for row in rows] == list(range(4, stopped_at + 1, 4))


def test_workers_that_do_not_see_the_same_folder_are_refused_in_one_line(data_dir, tmp_path):
    flags = [f"--data_dir={data_dir}", f"--run_dir={tmp_path / 'run'}"]
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "checkpoints").mkdir(parents=True)
    trainer = make_trainer(tiny_config(data_dir, elsewhere))
    (elsewhere / "options.json").write_text(to_json(trainer.config))
    trainer.data.card.save(elsewhere)
    CheckpointStore(elsewhere, trainer.state, keep=1).save()
    workers = start_workers(
        free_ports(2), *flags, "--stabilize_kimg=1", flags_of_last=[f"--run_dir={elsewhere}"]
    )
    for worker in workers:
        ended_with(
            worker,
            1,
            "`run_dir` must be the same for all workers. Received: no checkpoint at worker 0, "
            r"ckpt-0 \([0-9a-f]{8}\) at worker 1",
        )


@pytest.mark.soak
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_when_one_of_three_is_killed_the_others_end_and_all_can_go_on(data_dir, tmp_path, lost):
    flags = ["--fade_kimg=0.03", "--stabilize_kimg=0.03,8:0", "--batch_size=6"]
    flags += [f"--data_dir={data_dir}", "--checkpoint_minutes=0.000001"]
    ports = free_ports(3)
    killed = start_workers(ports, *flags, f"--run_dir={tmp_path / 'killed'}")
    # The second shows that the first is whole.
    wait_for(killed[0], lambda: len(checkpoints(tmp_path / "killed")) > 1)
    kill(killed.pop(lost))
    for worker in killed:
        ended_with(worker, 1, LOST)
    for run_dir in (tmp_path / "killed", tmp_path / "whole"):
        for worker in start_workers(ports, *flags, f"--run_dir={run_dir}"):
            ended_with(worker, 0, "complete: 60 images shown")
    expected, found = tensors(tmp_path / "whole"), tensors(tmp_path / "killed")
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


# -------------------------------------------------------------------------------------------------
# Shares of the data


@pytest.mark.parametrize("num_workers", [2, 3])
def test_the_workers_shares_are_the_rows_of_the_same_global_batches(data_dir, num_workers):
    trainer = make_trainer(tiny_config(data_dir, "nowhere", mirror=True))
    whole = trainer.data.batches(8, 12, images_shown=10).as_numpy_iterator()
    shares = [
        trainer.data.batches(
            8, 12, 10, tf.distribute.InputContext(num_workers, index, 2 * num_workers)
        ).as_numpy_iterator()
        for index in range(num_workers)
    ]
    for _ in range(4):  # over the ends of epochs of 24
        # Two replicas a worker: each takes the worker's next part.
        parts = [next(share) for share in shares for _ in range(2)]
        for own, expected in zip(zip(*parts, strict=True), next(whole), strict=True):
            np.testing.assert_array_equal(np.concatenate(own), expected)


def test_a_worker_decodes_no_pictures_but_its_own(tmp_path):
    card = write_dataset(tmp_path, shards=1)
    (path,) = tmp_path.glob("*r0004*")
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    records[5] = records[5].replace(b"PNG", b"GNP")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    data = TrainingData(tmp_path, card, seed=0, mirror=False, num_keypoints=3)
    failed = []
    for index in range(2):
        share = data.batches(4, 4, 0, tf.distribute.InputContext(2, index, 2))
        try:
            list(share.take(6))
        except tf.errors.InvalidArgumentError:
            failed.append(index)
    assert len(failed) == 1
