"""Who is drawn: seeds, files, a blend and the steps of a walk, in order and by hand."""

import numpy as np
import pytest

from psgan_tf.generation.characters import Character, characters_text, save_character
from psgan_tf.generation.latent_mixing import spherical_mean
from psgan_tf.generation.selection import (
    CharacterSelection,
    load_selection,
    parse_selection,
    walk_steps,
)
from psgan_tf.images.pictures import encode_png

AOI, MIKA = np.random.default_rng(0).normal(size=[2, 6]).astype(np.float32)


def of_seeds(seeds):
    """Latents that differ for each seed, as a network's would."""
    latents = [np.random.default_rng(100 + seed).normal(size=6) for seed in seeds]
    return np.array(latents, np.float32)


def gathered(seeds=None, files=(), blend="", walk="", steps=0):
    return load_selection(
        parse_selection(seeds, [str(f) for f in files], blend, walk, steps), 6, of_seeds
    )


@pytest.fixture
def aoi(tmp_path):
    save_character(tmp_path / "aoi.npz", Character("Aoi", AOI, "1f"))
    return tmp_path / "aoi.npz"


@pytest.fixture
def sheet(tmp_path):
    """A PNG of two characters."""
    text = characters_text(["Aoi", "Mika"], np.stack([AOI, MIKA]))
    png = encode_png(np.zeros([2, 2, 3], np.uint8), {"psgan_characters": text, "model": "2e"})
    (tmp_path / "sheet.png").write_bytes(png)
    return tmp_path / "sheet.png"


def test_without_a_word_the_first_seeds_are_drawn_and_else_only_who_is_named():
    assert parse_selection(None, [], "", "", 3).seeds == (0, 1, 2, 3, 4, 5, 6, 7)
    assert parse_selection(None, ["aoi.npz"], "", "", 3) == CharacterSelection(
        files=("aoi.npz",), steps=3
    )
    assert parse_selection(None, [], "seed1,seed2", "", 3).seeds == ()
    assert parse_selection("4", [], "", "seed1,seed2", 3).seeds == (4,)
    with pytest.raises(ValueError, match="must name somebody"):
        parse_selection(" ", [], "", "", 3)


def test_the_steps_of_a_walk_divide_the_angle_evenly():
    quarter = np.array([[2.0, 0.0], [0.0, 2.0]], np.float32)
    steps = walk_steps(quarter, ["a", "b"], 2)
    assert [name for name, _ in steps] == [
        "a",
        "0.667 a + 0.333 b",
        "0.333 a + 0.667 b",
        "b",
    ]
    angles = np.radians([0, 30, 60, 90])
    expected = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose([latent for _, latent in steps], expected, atol=1e-6)


def test_a_walk_without_steps_is_those_that_it_goes_by():
    latents = of_seeds([1, 2, 3])
    names, found = zip(*walk_steps(latents, ["a", "b", "c"], 0), strict=True)
    assert names == ("a", "b", "c")
    np.testing.assert_array_equal(found, latents)
    ((name, latent),) = walk_steps(latents[:1], ["a"], 5)
    assert name == "a"
    np.testing.assert_array_equal(latent, latents[0])


@pytest.mark.parametrize("steps", [1, 2, 6, 48, 999])
def test_a_walk_stops_at_each_of_those_that_it_goes_by(steps):
    latents = of_seeds([1, 2, 3])
    found = walk_steps(latents, ["a", "b", "c"], steps)
    assert len(found) == 2 * (steps + 1) + 1
    at_stops = found[:: steps + 1]
    assert [name for name, _ in at_stops] == ["a", "b", "c"]
    np.testing.assert_array_equal([latent for _, latent in at_stops], latents)


def test_seeds_come_first_then_files_the_blend_and_the_walk(aoi, sheet):
    line_up = gathered("3,0-1", [sheet], f"{aoi}:3,seed9:1", f"{aoi},seed4", 1)
    assert [subject.name for subject in line_up.subjects] == [
        *("seed3", "seed0", "seed1", "Aoi", "Mika", "3 Aoi + 1 seed9"),
        *("Aoi", "0.5 Aoi + 0.5 seed4", "seed4"),
    ]
    four, nine = of_seeds([4])[0], of_seeds([9])[0]
    blend, middle = spherical_mean(np.stack([AOI, nine]), (3, 1)), np.stack([AOI, four])
    expected = [*of_seeds([3, 0, 1]), AOI, MIKA, blend]
    expected += [AOI, spherical_mean(middle, (0.5, 0.5)), four]
    np.testing.assert_array_equal(line_up.latents, np.float32(expected))
    assert line_up.latents.dtype == np.float32
    read = [(character.name, character.model_fingerprint) for character in line_up.read]
    assert read == [("Aoi", "2e"), ("Mika", "2e"), ("Aoi", "1f"), ("Aoi", "1f")]
    files = [subject.file_name for subject in line_up.subjects]
    assert files[3:] == ["Aoi", "Mika", "3-Aoi-1-seed9", "Aoi-2", "0.5-Aoi-0.5-seed4", "seed4"]
    assert len({name.casefold() for name in files}) == len(files)


def test_a_blend_takes_one_character_of_a_file(sheet):
    with pytest.raises(ValueError, match=r"`character` must be one.*, a sheet of 2"):
        gathered(blend=f"{sheet},seed1")


@pytest.mark.parametrize("where", ["files", "blend", "walk"])
def test_a_character_of_another_network_is_refused_wherever_it_is(tmp_path, where):
    path = tmp_path / "large.npz"
    save_character(path, Character("Large", np.ones(7), ""))
    with pytest.raises(ValueError, match=r"must have latents of 6 values.*Large, with 7"):
        gathered(**{where: [path] if where == "files" else str(path)})


def test_a_latent_of_zeros_is_drawn_but_not_mixed(tmp_path):
    path = tmp_path / "zero.npz"
    save_character(path, Character("Zero", np.zeros(6), ""))
    assert not gathered(files=[path]).latents.any()
    with pytest.raises(ValueError, match="whose latents have a direction"):
        gathered(walk=f"{path},seed1", steps=1)
