"""Dataset, run, character and export that older code wrote, before modules moved into packages.

`older_files.tar.xz` holds shards of 24 pictures, a run in its fade to 8 x 8 with one checkpoint, a
saved character, the run's export, and what the code of that time drew with them.
"""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.data.records import iterate_examples, parse_example, shard_paths
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.backends.saved_model import SavedModelBackend
from psgan_tf.generation.characters import load_character
from run_programs import checkpoints, run

# The compute may round in another order on other processors: by so much, in levels of 255.
ROUNDING = 1


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(Path(__file__).parent / "older_files.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def expected(older):
    with np.load(older / "expected.npz") as arrays:
        return dict(arrays)


def test_shards_are_read(older, expected):
    card = DatasetCard.load(older / "data")
    serialized = next(iter(iterate_examples(shard_paths(older / "data", card, "train", 16)[0])))
    image, keypoints = parse_example(serialized, 16, card.skeleton.num_keypoints)
    np.testing.assert_array_equal(image, expected["example"])
    np.testing.assert_array_equal(keypoints, expected["keypoints"])


def test_a_run_and_its_export_draw_a_saved_character_as_they_did(older, expected):
    character = load_character(older / "aoi.npz")
    sampler, painter = Sampler(older / "run"), SavedModelBackend(older / "models" / "tiny")
    assert character.name == "Aoi"
    assert {sampler.fingerprint, painter.fingerprint, character.model_fingerprint} == {
        str(expected["fingerprint"])
    }
    latents, poses = character.latent[None], expected["pose"][None]
    for drawn, name in (
        (sampler.images(latents, poses), "from_run"),
        (painter.draw(latents, poses), "from_model"),
    ):
        np.testing.assert_allclose(drawn[0].astype(int), expected[name].astype(int), atol=ROUNDING)


def test_a_run_goes_on_to_its_end(older, tmp_path):
    run_dir = shutil.copytree(older / "run", tmp_path / "run")
    flags = ("--resolution=8", "--latent_size=8", "--fmap_base=64", "--fmap_max=8")
    schedule = ("--fade_kimg=0.016", "--stabilize_kimg=0.016", "--batch_size=4", "--sample_kimg=1")
    places = (f"--data_dir={older / 'data'}", f"--run_dir={run_dir}")
    status, printed = run("psgan_tf.train", *flags, *schedule, *places)
    assert status == 0, printed
    assert "going on at 20 images" in printed
    assert checkpoints(run_dir)[-1] == 48
