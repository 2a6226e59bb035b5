"""Conversions that stop, go on, and meet something else."""

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest

from conversion_by_hand import all_bytes, converted, noise, noise_folder, options_for
from psgan_tf.data.conversion import convert as convert_module
from psgan_tf.data.conversion.preparation import prepare_all
from psgan_tf.data.conversion.sources import ReadingOptions, open_source
from psgan_tf.data.records import DatasetCard, is_shard_name, shard_paths
from psgan_tf.images.pictures import encode_png


def test_a_folder_of_other_settings_is_refused_then_overwritten_on_request(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    converted(folder, tmp_path / "out", shards=3)
    before = all_bytes(tmp_path / "out")
    with pytest.raises(ValueError, match=r"made with another seed, shards\. .*`--overwrite`"):
        converted(folder, tmp_path / "out", shards=2, seed=1)
    assert all_bytes(tmp_path / "out") == before
    converted(folder, tmp_path / "out", shards=2, seed=1, overwrite=True)
    converted(folder, tmp_path / "new", shards=2, seed=1)
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "new")


def test_a_finished_dataset_is_not_changed_by_a_changed_input_unless_asked(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    converted(folder, tmp_path / "out", shards=4)
    before = all_bytes(tmp_path / "out")
    (folder / "003.png").write_bytes(encode_png(noise(16, 16)))
    with pytest.raises(ValueError, match="whose input has changed since"):
        converted(folder, tmp_path / "out", shards=4)
    assert all_bytes(tmp_path / "out") == before
    converted(folder, tmp_path / "out", shards=4, overwrite=True)
    converted(folder, tmp_path / "new", shards=4)
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "new")


@pytest.mark.parametrize("finished", [False, True])
def test_other_bytes_of_the_same_size_and_time_are_noticed(tmp_path, finished):
    folder = noise_folder(tmp_path / "in", 20)
    converted(folder, tmp_path / "out", shards=4)
    before = all_bytes(tmp_path / "out")
    path = folder / "003.png"
    times = path.stat()
    path.write_bytes(path.read_bytes()[:-40] + bytes(40))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    if finished:
        with pytest.raises(ValueError, match="whose input has changed since"):
            converted(folder, tmp_path / "out", shards=4)
        assert all_bytes(tmp_path / "out") == before
    else:  # as a killed run leaves it
        (tmp_path / "out" / "dataset.json").unlink()
        said = []
        converted(folder, tmp_path / "out", shards=4, say=said.append)
        assert any(line.startswith("going on: 3 of 4 shards are finished") for line in said)
        converted(folder, tmp_path / "new", shards=4)
        assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "new")


def test_new_times_of_the_same_pictures_change_nothing(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    converted(folder, tmp_path / "out", shards=4)
    before = all_bytes(tmp_path / "out")
    os.utime(folder / "003.png", ns=(1, 1))
    said = []
    converted(folder, tmp_path / "out", shards=4, say=said.append)
    assert any(line.startswith("going on: 4 of 4 shards are finished") for line in said)
    assert all_bytes(tmp_path / "out") == before


def test_a_lost_shard_is_made_again_and_nothing_else_is(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    card = converted(folder, tmp_path / "out", shards=4)
    before = all_bytes(tmp_path / "out")
    first, second, *_ = map(Path, shard_paths(tmp_path / "out", card, "train", 8))
    first.unlink()
    inode = second.stat().st_ino
    said = []
    assert converted(folder, tmp_path / "out", shards=4, say=said.append) == card
    assert any(line.startswith("going on: 3 of 4 shards are finished") for line in said)
    assert all_bytes(tmp_path / "out") == before
    assert second.stat().st_ino == inode


def test_the_same_command_again_takes_up_a_changed_card(tmp_path):
    folder = noise_folder(tmp_path / "in", 4, licence="CC0")
    assert converted(folder, tmp_path / "out").licence == "CC0"
    (folder / "card.json").write_text('{"licence": "CC BY 4.0"}')
    assert converted(folder, tmp_path / "out").licence == "CC BY 4.0"
    assert DatasetCard.load(tmp_path / "out").licence == "CC BY 4.0"


def test_a_copy_without_hidden_files_is_known_to_be_complete(tmp_path):
    folder = noise_folder(tmp_path / "in", 20)
    card = converted(folder, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / ".conversion")
    before = all_bytes(tmp_path / "out")
    said = []
    assert converted(folder, tmp_path / "out", say=said.append) == card
    assert said == [f"{tmp_path / 'out'} is complete already"]
    after = all_bytes(tmp_path / "out")
    assert {name: after[name] for name in before} == before


def test_two_conversions_do_not_write_into_one_folder(tmp_path):
    folder = noise_folder(tmp_path / "in", 4)
    refused = []

    def say(line):
        if line.startswith("writing"):
            with pytest.raises(ValueError, match="no other conversion is writing") as caught:
                converted(folder, tmp_path / "out")
            refused.append(caught)

    converted(folder, tmp_path / "out", say=say)
    assert len(refused) == 1


def test_a_disk_that_is_too_small_is_noticed_before_work(tmp_path, monkeypatch):
    folder = noise_folder(tmp_path / "in", 20)
    monkeypatch.setattr(
        convert_module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1)
    )
    with pytest.raises(ValueError, match=r"`output` must be on a disk with .* MB free"):
        converted(folder, tmp_path / "out")
    assert not any(is_shard_name(path.name) for path in (tmp_path / "out").iterdir())


def test_the_disk_space_is_estimated_from_the_pictures(tmp_path):
    said = []
    folder = noise_folder(tmp_path / "in", 40, size=64)
    converted(folder, tmp_path / "out", resolutions=(4, 8, 16, 32, 64), say=said.append)
    size = sum(path.stat().st_size for path in (tmp_path / "out").glob("*.tfrecord-*"))
    estimate = float(next(s for s in said if s.startswith("writing")).split("about ")[1].split()[0])
    assert estimate == pytest.approx(size / 1e6, rel=0.1, abs=0.05)


def test_nothing_kept_is_an_error_with_the_reasons_shown(tmp_path):
    folder = noise_folder(tmp_path / "in", 3)
    said = []
    with pytest.raises(ValueError, match="all 3 were left out"):
        converted(folder, tmp_path / "out", min_keypoints=3, say=said.append)
    assert "left out, fewer than 3 keypoints" in said[-1]
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_a_killed_worker_ends_the_run_with_a_remedy(tmp_path):
    source = open_source(noise_folder(tmp_path / "in", 100), ReadingOptions())
    made = prepare_all(source.examples, options_for(source).preparation, workers=2)
    assert next(made).name == "000.png"
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(ValueError, match="worker process was killed"):
        list(made)
