"""Character files: read back exactly, and refused when damaged."""

import base64
import json

import numpy as np
import pytest

from psgan_tf.generation.characters import (
    Character,
    characters_text,
    file_name,
    fingerprint_warnings,
    load_character,
    load_characters,
    save_character,
    subjects_of,
)
from psgan_tf.images.pictures import encode_png

LATENT = np.random.default_rng(0).normal(size=512).astype(np.float32)


def a_file(tmp_path, **arrays):
    """An `.npz` that save_character did not write."""
    path = tmp_path / "character.npz"
    np.savez(path, **{"name": "Mika", "latent": LATENT, "model_fingerprint": "1f", **arrays})
    return path


def test_a_character_is_read_back_exactly(tmp_path):
    path = tmp_path / "mika.npz"
    save_character(path, Character("Mika ミカ", LATENT, "0123456789abcdef"))
    character = load_character(str(path))
    assert (character.name, character.model_fingerprint) == ("Mika ミカ", "0123456789abcdef")
    assert character.latent.dtype == np.float32
    np.testing.assert_array_equal(character.latent, LATENT)


def test_a_name_becomes_a_file_name_in_any_script():
    assert file_name("Mika ミカ/2") == "Mika-ミカ-2"
    assert file_name("../..") == "unnamed"
    assert len(file_name("名" * 300).encode()) < 200


def test_a_character_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "mika.npz"
    save_character(path, Character("old", LATENT, "1"))
    save_character(path, Character("new", 2 * LATENT, "2"))
    assert load_character(path).name == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["mika.npz"]


def test_a_refused_character_leaves_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "mika.npz"
    save_character(path, Character("old", LATENT, "1"))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="`latent`"):
        save_character(path, Character("new", np.full(4, np.nan), "2"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("latent", "shape"),
    [
        (LATENT[None], r"\(1, 512\)"),
        (np.float32(1), r"\(\)"),
        ([1.0, np.inf], r"\(2,\)"),
    ],
)
def test_a_latent_that_is_no_finite_vector_is_refused(tmp_path, latent, shape):
    message = r"`latent` of a character must be one vector of finite numbers\. Received: shape "
    with pytest.raises(ValueError, match=message + shape):
        save_character(tmp_path / "mika.npz", Character("Mika", latent, "1"))


def test_another_ending_is_refused_before_it_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"`path` of a character must end in \.npz\. Received"):
        save_character(tmp_path / "mika.png", Character("Mika", LATENT, "1"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("name: Mika"),
        lambda path: path.write_bytes(b"PK\x03\x04 and no more"),
        lambda path: np.save(path.open("wb"), LATENT),
        lambda path: np.savez(path, latent=LATENT),
        lambda path: a_file(path.parent, latent=LATENT[None]),
        lambda path: a_file(path.parent, latent=np.full(3, np.nan)),
        lambda path: a_file(path.parent, latent=["a", "b"]),
        lambda path: a_file(path.parent, latent=np.array([{}, []], dtype=object)),
    ],
    ids=[
        "missing",
        "folder",
        "empty",
        "text",
        "torn",
        "one array",
        "no name",
        "two axes",
        "no numbers",
        "texts",
        "pickle",
    ],
)
def test_a_file_that_is_no_character_is_refused_by_name(tmp_path, write):
    path = tmp_path / "character.npz"
    write(path)
    with pytest.raises(
        ValueError, match=r"`character` must be a file that save_character wrote, or a PNG by "
    ) as e:
        load_character(path)
    assert "character.npz" in str(e.value)


def test_no_cut_and_no_flipped_byte_gives_another_character_or_another_error(tmp_path):
    path, broken = tmp_path / "mika.npz", tmp_path / "broken.npz"
    save_character(path, Character("Mika", LATENT[:8], "1f"))
    data = path.read_bytes()
    damaged = [data[:end] for end in range(0, len(data), 25)]
    # The table of contents at the end in full, of the rest a byte here and there.
    for place in (*range(0, len(data) - 250, 9), *range(len(data) - 250, len(data))):
        damaged.append(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
    refused = 0
    for contents in damaged:
        broken.write_bytes(contents)
        try:
            character = load_character(broken)
        except ValueError:
            refused += 1
            continue
        assert (character.name, character.model_fingerprint) == ("Mika", "1f")
        np.testing.assert_array_equal(character.latent, LATENT[:8])
    assert refused > len(damaged) / 2


def test_characters_of_one_name_get_files_of_their_own():
    characters = [
        Character(name, np.full(8, i), "") for i, name in enumerate(("a", "A", "seed0003"))
    ]
    subjects = subjects_of([3, 5, 3], characters)
    names = ["seed0003", "seed0005", "a", "A-2", "seed0003-2"]
    assert [subject.file_name for subject in subjects] == names
    assert [subject.seed for subject in subjects] == [3, 5, None, None, None]
    assert [subject.latent[0] for subject in subjects[2:]] == [0, 1, 2]


def test_each_other_checkpoint_is_told_of_once():
    names = (("Aoi", "1f"), ("Mika", "2e"), ("Rin", "1f"), ("Own", "0"))
    warnings = fingerprint_warnings([Character(name, LATENT, model) for name, model in names], "0")
    assert warnings == [
        "warning: Aoi and 1 more were saved from checkpoint 1f, this one is 0: "
        "they may look different",
        "warning: Mika was saved from checkpoint 2e, this one is 0: "
        "the character may look different",
    ]


# ------------------------------------------------------------------------------------------------
# Pictures that say who is in them.


def a_picture(tmp_path, **text):
    path = tmp_path / "picture.PNG"
    path.write_bytes(encode_png(np.zeros([2, 2, 3], np.uint8), text))
    return path


def test_characters_are_read_back_from_a_picture_exactly(tmp_path):
    latents = np.stack([LATENT, -LATENT])
    text = characters_text(["Mika ミカ", "0.5 a + 0.5 b"], latents)
    path = a_picture(tmp_path, psgan_characters=text, model="1f")
    found = load_characters(path)
    assert [c.name for c in found] == ["Mika ミカ", "0.5 a + 0.5 b"]
    assert [c.model_fingerprint for c in found] == ["1f", "1f"]
    np.testing.assert_array_equal([c.latent for c in found], latents)
    # As a reader in another language would: JSON, base64, little-endian float32.
    entry = json.loads(text)[1]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(entry["latent"]), "<f4"), -LATENT)
    with pytest.raises(ValueError, match=r"`character` must be one.*, a sheet of 2"):
        load_character(path)


@pytest.mark.parametrize(
    "text",
    [
        {},
        {"psgan_characters": "[]", "model": "1f"},
        {"psgan_characters": "no JSON", "model": "1f"},
        {"psgan_characters": '{"name": "a"}', "model": "1f"},
        {"psgan_characters": '[{"name": "a", "latent": "%%%%"}]', "model": "1f"},
        {"psgan_characters": '[{"name": "a", "latent": "AAAA"}]', "model": "1f"},
        {"psgan_characters": '[{"name": "a", "latent": "AADAfw=="}]', "model": "1f"},
        {"psgan_characters": '[{"name": "a", "latent": "AACAPw=="}]'},
    ],
    ids=[
        *("no text", "nobody", "no JSON", "no list", "no base64", "no whole float", "no number"),
        "no model",
    ],
)
def test_a_picture_of_nobody_is_refused_by_name(tmp_path, text):
    with pytest.raises(ValueError, match=r"or a PNG by psgan_tf\.generate.*picture\.PNG"):
        load_characters(a_picture(tmp_path, **text))


def test_a_picture_that_is_missing_is_said_to_be(tmp_path):
    with pytest.raises(ValueError, match="there is no such file"):
        load_characters(tmp_path / "gone.png")
