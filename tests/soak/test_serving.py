"""Load and faults against the local server: `make soak`.

Each picture that comes back is held against its own question: seed, pose and the version that
says it drew it, so that a mix-up cannot pass.
"""

import itertools
import re
import shutil
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from export.saved_model.exporting import export_run
from local_server_process import Serving, serving
from psgan_tf.serving_client.client import Question, RemoteModel
from psgan_tf.serving_client.rpc import RemoteError
from run_programs import finish, start, wait_for
from tiny_run import POSE, moved, write_poses, write_run

pytestmark = pytest.mark.soak

CLIENTS = 64
LOAD_SECS = 60
SWITCH_SECS = 3
SEEDS, POSES = 32, 8
# Of many pictures at a time TensorFlow may add up in another order: by so much, in levels of 255.
ROUNDING = 1


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    """Exports of two networks with different random weights, for odd and for even versions."""
    folder = tmp_path_factory.mktemp("two")
    exports = []
    for number in (1, 2):
        (folder / f"run{number}").mkdir()
        run_dir = write_run(folder / f"run{number}", seed=number)
        exports.append(export_run(run_dir, folder / f"model{number}", warmup_batch_sizes=(1, 2, 4)))
    return [exported.directory for exported in exports]


def poses():
    """Poses whose first keypoint is in another pixel of the 4 x 4 map, [POSES, 3, 3]."""
    keypoints = np.repeat(POSE[None], POSES, axis=0)
    keypoints[:, 0, 0] = 4 * (np.arange(POSES) % 4) + 2
    keypoints[:, 0, 1] = 4 * (np.arange(POSES) // 4) + 2
    return keypoints


@pytest.fixture(scope="module")
def expected(two_models):
    """All pictures of both networks, drawn here one by one: [2, SEEDS, POSES, R, R, 3]."""
    pictures = []
    for directory in two_models:
        draw = tf.saved_model.load(str(directory)).signatures["from_seed"]
        for seed, pose in itertools.product(range(SEEDS), poses()):
            answer = draw(seeds=tf.constant([seed], tf.int64), keypoints=tf.constant(pose[None]))
            pictures.append(tf.io.decode_png(answer["png_bytes"][0]).numpy().astype(int))
    pictures = np.stack(pictures)
    flat = pictures.reshape(len(pictures), -1)
    apart = [np.abs(flat - one).max(axis=1) for one in flat]
    nearest = min(np.delete(distances, n).min() for n, distances in enumerate(apart))
    assert nearest > 2 * ROUNDING, "two pictures are too alike to tell a mix-up"
    return pictures.reshape(2, SEEDS, POSES, *pictures.shape[1:])


def question(seed, pose):
    inputs = {"seeds": np.array([seed], np.int64), "keypoints": poses()[pose][None]}
    return Question("from_seed", inputs)


def is_right(answer, seed, pose, expected):
    """Whether a picture is that of its question, by the version that it says."""
    picture = tf.io.decode_png(answer.outputs["png_bytes"][0]).numpy().astype(int)
    return np.abs(picture - expected[(answer.version + 1) % 2, seed, pose]).max() <= ROUNDING


def switch_versions(models, two_models, stop):
    """Renames a copy to the next version every few seconds, and removes the one before the last."""
    for version in itertools.count(2):
        if stop.wait(SWITCH_SECS):
            return
        shutil.copytree(two_models[(version + 1) % 2], models / f".{version}")
        (models / f".{version}").rename(models / str(version))
        shutil.rmtree(models / str(version - 2), ignore_errors=True)


def load(address, expected, stop, seed):
    """One client: asks until it is told to stop; counts what came back."""
    counts, versions = Counter(), []
    rng = np.random.default_rng(seed)
    with RemoteModel(address, "tiny", retry_secs=0) as model:
        while not stop.is_set():
            asked = int(rng.integers(SEEDS)), int(rng.integers(POSES))
            try:
                answer = model.predict(question(*asked))
            except RemoteError as error:
                counts[f"failed: {error}"] += 1
                continue
            counts["right" if is_right(answer, *asked, expected) else "mixed up"] += 1
            versions.append(answer.version)
    assert versions == sorted(versions), "a client was sent back to an older version"
    return counts, set(versions)


def test_64_clients_get_their_own_pictures_while_versions_switch(two_models, expected, tmp_path):
    models = tmp_path / "tiny"
    shutil.copytree(two_models[0], models / "1")
    flags = ["--model_name=tiny", f"--model_base_path={models}", "--grpc_max_threads=128"]
    stop = threading.Event()
    with serving(*flags) as server, ThreadPoolExecutor(CLIENTS + 1) as pool:
        switching = pool.submit(switch_versions, models, two_models, stop)
        clients = [
            pool.submit(load, server.grpc_address, expected, stop, n) for n in range(CLIENTS)
        ]
        time.sleep(LOAD_SECS)
        stop.set()
        switching.result()
        results = [client.result() for client in clients]
    counts = sum((counts for counts, _ in results), Counter())
    versions = set().union(*(seen for _, seen in results))
    print(f"{dict(counts)} in {LOAD_SECS} s from {CLIENTS} clients, versions {sorted(versions)}")
    assert set(counts) == {"right"}
    assert counts["right"] > 10 * CLIENTS
    assert len(versions) >= 3


def test_sigterm_answers_what_is_under_way_and_takes_nothing_new(two_models, expected):
    flags = ["--model_name=tiny", f"--model_base_path={two_models[0].parent}"]
    server = Serving([*flags, "--grpc_max_threads=128"])
    with RemoteModel(server.grpc_address, "tiny", retry_secs=0) as model:
        seeds = np.arange(4096, dtype=np.int64) % SEEDS
        keypoints = np.repeat(poses()[:1], len(seeds), axis=0)
        large = Question("from_seed", {"seeds": seeds, "keypoints": keypoints})
        model.predict(question(0, 0))
        with ThreadPoolExecutor(8) as pool:
            under_way = [pool.submit(model.predict, large) for _ in range(8)]
            time.sleep(0.5)
            waiting = [call for call in under_way if not call.done()]
            server.process.send_signal(signal.SIGTERM)
            answers = [call.result() for call in under_way]
        assert waiting, "all were answered before the signal: nothing was drained"
        for answer in answers:
            for row in (0, 1, 4095):
                png = tf.io.decode_png(answer.outputs["png_bytes"][row]).numpy().astype(int)
                assert np.abs(png - expected[0, row % SEEDS, 0]).max() <= ROUNDING
        with pytest.raises(RemoteError, match="UNAVAILABLE"):
            model.predict(question(0, 0))
    # Not asked again: a signal while Python ends would kill it.
    assert server.wait() == 0


def test_a_killed_server_ends_the_client_in_one_line_and_its_frames_stay(two_models, tmp_path):
    motion = write_poses(tmp_path / "walk.json", np.tile(moved(9), (300, 1, 1)), fps=30)
    flags = ("--model_name=tiny", f"--model_base_path={two_models[0].parent}")
    folder = tmp_path / "frames"
    with serving(*flags) as server:
        command = ("export.client", "animate", "--model=tiny", "--seeds=3", f"--motion={motion}")
        command += (f"--output={folder}", f"--address={server.grpc_address}", "--retry_secs=1")
        client = start(*command)
        wait_for(client, lambda: len(list(folder.glob("frame_*.png"))) >= 20)
        server.process.kill()
        status, printed = finish(client)
    assert status == 1
    lines = [line for line in printed.splitlines() if not re.match(r"\d+ of 2700, ", line)]
    assert len(lines) == 1, printed
    assert re.match(
        r"client: localhost:\d+: UNAVAILABLE|client: 127\.0\.0\.1:\d+: UNAVAILABLE", lines[0]
    )
    kept = {path.name: path.read_bytes() for path in folder.glob("frame_*.png")}
    assert 20 <= len(kept) < 2700
    with serving(*flags) as server:
        again = (*command[:-2], f"--address={server.grpc_address}")
        status, printed = finish(start(*again))
    assert status == 0, printed
    assert f"{len(kept)} of 2700 frames are there already" in printed
    whole = {path.name: path.read_bytes() for path in folder.glob("frame_*.png")}
    assert len(whole) == 2700
    assert whole | kept == whole
