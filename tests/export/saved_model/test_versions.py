"""A new version appears whole, under its number, or not at all."""

import fcntl
import os
import subprocess
import sys
import threading

import pytest
import tensorflow as tf

from export.saved_model import exporting
from export.saved_model.exporting import export_run
from export.saved_model.signatures import ServedGenerator
from export.saved_model.version_folder import new_version, publish, versions_in
from psgan_tf.generation.backends.checkpoint import Sampler
from run_programs import REPOSITORY, finish, run, start, wait_for
from tiny_run import POSE, write_run

EXPORT = "export.export_saved_model"


def write_version(model_dir, version=None, text="x"):
    with new_version(model_dir) as folder:
        (folder / "variables").mkdir()
        (folder / "variables" / "data").write_text(text)
        return publish(folder, version)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_version_is_the_next_number_after_all_that_a_server_would_take_for_one(tmp_path):
    model = tmp_path / "model"
    assert write_version(model).name == "1"
    (model / "007").mkdir()
    for other in ("8.tmp", "-9", "assets", "٩"):
        (model / other).mkdir()
    assert set(versions_in(model)) == {1, 7}
    assert write_version(model).name == "8"
    assert write_version(model, 3).name == "3"
    assert write_version(model).name == "9"


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (1, r"`version` must be one that .* does not hold yet. Received: 1. Take 2, or leave"),
        (0, r"`version` must be a number from 1 to 9223372036854775807. Received: 0"),
        (2**63, r"`version` must be a number from 1"),
    ],
)
def test_a_version_that_is_taken_or_none_is_refused_and_nothing_left_behind(
    tmp_path, version, message
):
    write_version(tmp_path, text="first")
    with pytest.raises(ValueError, match=message):
        write_version(tmp_path, version, text="second")
    assert names_in(tmp_path) == ["1"]
    assert (tmp_path / "1" / "variables" / "data").read_text() == "first"


def test_a_version_is_seen_by_others_only_when_it_is_whole(tmp_path):
    with new_version(tmp_path) as folder:
        assert folder.parent == tmp_path  # so that one rename moves it
        assert versions_in(tmp_path) == {}
        assert folder.stat().st_mode & 0o777 == 0o777 & ~current_umask()
        (folder / "saved_model.pb").write_text("whole")
        assert versions_in(tmp_path) == {}
        publish(folder, None)
    assert names_in(tmp_path) == ["1"]


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_export_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(FileNotFoundError), new_version(tmp_path) as folder:
        (folder / "gone").rename(folder / "elsewhere")
    assert names_in(tmp_path) == []


def test_what_a_killed_export_left_is_removed_and_one_at_work_is_not(tmp_path):
    killed = tmp_path / ".export-0123"
    (killed / "variables").mkdir(parents=True)
    at_work = tmp_path / ".export-4567"
    at_work.mkdir()
    lock = os.open(at_work, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    write_version(tmp_path)
    assert names_in(tmp_path) == [".export-4567", "1"]
    os.close(lock)
    write_version(tmp_path)
    assert names_in(tmp_path) == ["1", "2"]


def test_exports_at_the_same_time_get_numbers_of_their_own(tmp_path):
    threads = [
        threading.Thread(target=write_version, args=(tmp_path, None, str(i))) for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = versions_in(tmp_path)
    assert names_in(tmp_path) == sorted(map(str, range(1, 13)))
    texts = {(path / "variables" / "data").read_text() for path in versions.values()}
    assert texts == set(map(str, range(12)))


class CallsPython(ServedGenerator):
    """A model that no server can answer with; only its first request would tell."""

    def _pictures(self, latents, keypoints):
        pictures = super()._pictures(latents, keypoints)
        return tf.ensure_shape(tf.numpy_function(lambda p: p, [pictures], tf.uint8), pictures.shape)


def test_a_model_that_no_server_would_answer_with_is_refused_and_nothing_left_behind(
    tiny_run, tmp_path, monkeypatch
):
    monkeypatch.setattr(exporting, "ServedGenerator", CallsPython)
    with pytest.raises(ValueError, match="would not be served, and was not kept: PyFunc calls"):
        exporting.export_run(tiny_run, tmp_path / "model")
    assert names_in(tmp_path / "model") == []


def test_the_newest_whole_checkpoint_is_exported_or_the_one_that_is_named(tmp_path):
    run_dir = write_run(tmp_path, images_shown=(18, 24, 32))
    # The newest is damaged, as after a full disk: it is passed over.
    (run_dir / "checkpoints" / "ckpt-32.data-00000-of-00001").write_bytes(b"")
    model = tmp_path / "model"
    assert export_run(run_dir, model).directory == model / "1"
    assert export_run(run_dir, model, checkpoint=18, version=40).directory == model / "40"
    sampler = Sampler(run_dir)
    latents, poses = sampler.latents([0, 1]), POSE[None].repeat(2, axis=0)
    first, other = (
        tf.saved_model.load(str(model / version))
        .signatures["images_uint8"](latents=tf.constant(latents), keypoints=tf.constant(poses))[
            "images"
        ]
        .numpy()
        for version in ("1", "40")
    )
    # Both have the same weights, and fade in their last layers by 8/16 and 2/16.
    assert sampler.images_shown == 24
    assert (first == sampler.images(latents, poses)).all()
    assert (first != other).any()
    for missing, message in ((21, "holds: 18, 24, 32. Received: 21"), (32, "32, which is damaged")):
        with pytest.raises(ValueError, match=f"`checkpoint` must be .*{message}"):
            export_run(run_dir, model, checkpoint=missing)
    assert names_in(model) == ["1", "40"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "`export_dir` must be the folder of the model"),
        (["--export_dir={tmp}/m", "--run_dir={tmp}"], "`run_dir` must be the directory of a train"),
        (["--export_dir={tmp}/m", "--version=0"], "`version` must be a number from 1"),
        (["--export_dir={tmp}/m", "--precision=half"], "precision"),
        (["--export_dir={tmp}/m", "--warmup_batch_sizes=1,x"], "`warmup_batch_sizes` must be"),
        (["--export_dir={tmp}/file"], "`export_dir` must be a folder"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tiny_run, tmp_path, flags, message):
    (tmp_path / "file").write_text("no folder")
    flags = [f"--run_dir={tiny_run}", *(flag.format(tmp=tmp_path) for flag in flags)]
    status, printed = run(EXPORT, *flags)
    assert (status, printed.count("\n")) == (1, 1), printed
    assert printed.startswith("export_saved_model: ")
    assert message in printed
    assert names_in(tmp_path) == ["file"]


def test_a_full_disk_leaves_nothing_behind(tiny_run, tmp_path):
    # No file may grow beyond 64 KiB, which the graph's does.
    limited = f'ulimit -f 64; exec "{sys.executable}" -m {EXPORT} "$@"'
    flags = (f"--run_dir={tiny_run}", f"--export_dir={tmp_path / 'model'}")
    done = subprocess.run(
        ["bash", "-c", limited, "bash", *flags], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("export_saved_model: ")
    assert done.stderr.count("\n") == 1
    assert names_in(tmp_path / "model") == []


def test_a_killed_export_leaves_no_version_and_the_next_one_is_whole(tiny_run, tmp_path):
    model = tmp_path / "model"
    flags = (f"--run_dir={tiny_run}", f"--export_dir={model}")
    process = start(EXPORT, *flags)
    wait_for(process, lambda: list(model.glob(".export-*/saved_model.pb")))
    process.kill()
    finish(process)
    assert versions_in(model) == {}
    assert len(names_in(model)) == 1
    status, printed = run(EXPORT, *flags)
    assert status == 0, printed
    for name in ("from_seed", "images_uint8", "interpolate", "serving_default"):
        assert f"\n{name} " in f"\n{printed}"
    assert printed.endswith(f"exported: {model / '1'}\n")
    assert names_in(model) == ["1"]
