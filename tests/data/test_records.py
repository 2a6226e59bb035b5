import json

import numpy as np
import pytest
import tensorflow as tf

from psgan_tf.data.records import (
    DatasetCard,
    ShardWriter,
    Split,
    encode_example,
    is_shard_name,
    iterate_examples,
    parse_attributes,
    parse_example,
    parse_keypoints,
    shard_name,
    shard_paths,
)
from psgan_tf.images.pictures import encode_png
from psgan_tf.keypoints.schema import SKELETONS, Skeleton

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (8, 8, 3)).astype(np.uint8)
KEYPOINTS = RNG.uniform(0, 256, (20, 3)).astype(np.float32)
EXAMPLE = encode_example(encode_png(IMAGE), KEYPOINTS, "a/ä.png", "3", "bow")


def a_card(**changes):
    entries = {
        "name": "avatar",
        "skeleton": SKELETONS["avatar20"],
        "keypoint_frame": 256,
        "resolutions": (4, 8),
        "splits": {"train": Split(5, (3, 2), {4: ("aa", "bb"), 8: ("cc", "dd")})},
        "credits": ["somebody"],
        "camera": {"distance_m": 2.5},
        "counts": {"kept": 5, "broken picture": 1},
    }
    return DatasetCard(**{**entries, **changes})


def test_an_example_is_read_back_exactly():
    image, keypoints = parse_example(EXAMPLE, 8, 20)
    assert (image.dtype, keypoints.dtype) == (tf.uint8, tf.float32)
    np.testing.assert_array_equal(image, IMAGE)
    np.testing.assert_array_equal(keypoints, KEYPOINTS)
    np.testing.assert_array_equal(parse_keypoints(EXAMPLE, 20), KEYPOINTS)
    attributes = {key: value.numpy().decode() for key, value in parse_attributes(EXAMPLE).items()}
    assert attributes == {"name": "a/ä.png", "costume": "3", "motion": "bow"}


def test_reading_in_a_pipeline_gives_the_same_with_static_shapes():
    dataset = tf.data.Dataset.from_tensors(EXAMPLE).map(lambda record: parse_example(record, 8, 20))
    assert [spec.shape.as_list() for spec in dataset.element_spec] == [[8, 8, 3], [20, 3]]
    image, keypoints = next(iter(dataset))
    np.testing.assert_array_equal(image, IMAGE)
    np.testing.assert_array_equal(keypoints, KEYPOINTS)


def test_without_keypoints_wanted_those_there_are_are_ignored():
    image, keypoints = parse_example(EXAMPLE, 8, 0)
    np.testing.assert_array_equal(image, IMAGE)
    assert keypoints.shape == (0, 3)


def test_another_size_or_number_of_keypoints_is_an_error_not_another_picture():
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_example(EXAMPLE, 16, 20)
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_example(EXAMPLE, 8, 18)


def test_equal_examples_have_equal_bytes():
    again = encode_example(encode_png(IMAGE), KEYPOINTS.copy(), "a/ä.png", "3", "bow")
    assert again == EXAMPLE


def test_a_file_name_that_is_no_utf8_keeps_its_bytes():
    example = encode_example(b"", KEYPOINTS, b"\xe4.png".decode("utf-8", "surrogateescape"))
    assert parse_attributes(example)["name"].numpy() == b"\xe4.png"


def test_shards_have_the_names_that_tfds_readers_expect():
    name = shard_name("godette", "train", 64, 0, 8)
    assert name == "godette-train-r0064.tfrecord-00000-of-00008"
    assert is_shard_name(name)
    assert not is_shard_name("." + name + ".tmp")
    assert not is_shard_name("dataset.json")


def test_shards_appear_whole_and_only_when_they_are_closed(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    paths = {n: tmp_path / shard_name("a", "train", n, 0, 1) for n in (4, 8)}
    writer = ShardWriter(paths, scratch)
    writer.write({4: b"small", 8: encode_png(IMAGE)}, KEYPOINTS, "a/ä.png", "3", "bow")
    assert list(tmp_path.iterdir()) == [scratch]
    checksums = writer.close()
    assert {path.name for path in tmp_path.iterdir()} == {
        "scratch",
        "a-train-r0004.tfrecord-00000-of-00001",
        "a-train-r0008.tfrecord-00000-of-00001",
    }
    assert list(scratch.iterdir()) == []
    assert list(iterate_examples(paths[8])) == [EXAMPLE]
    assert {len(checksum) for checksum in checksums.values()} == {64}


def test_discarded_shards_leave_nothing(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    writer = ShardWriter({8: tmp_path / "x"}, scratch)
    writer.write({8: encode_png(IMAGE)}, KEYPOINTS, "a.png")
    writer.discard()
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "skeleton", [SKELETONS["openpose18"], Skeleton("own2", ("left_a", "right_a"), ((0, 1),))]
)
def test_a_card_is_read_back_as_it_was_saved(tmp_path, skeleton):
    card = a_card(skeleton=skeleton)
    card.save(tmp_path)
    assert DatasetCard.load(tmp_path) == card
    assert card.splits["train"].num_shards == 2
    # The text itself is for people and other tools too.
    document = json.loads((tmp_path / "dataset.json").read_text())
    assert document["skeleton"]["keypoints"] == list(skeleton.keypoints)
    assert document["splits"]["train"]["checksums"]["8"] == ["cc", "dd"]


def test_a_missing_dataset_is_answered_with_the_tool_that_makes_it(tmp_path):
    remedy = r"python -m tools\.make_tfrecords --input=FOLDER --output="
    with pytest.raises(ValueError, match=f"does not exist.*{remedy}"):
        DatasetCard.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=f"holds no finished dataset.*{remedy}"):
        DatasetCard.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "`format` of a dataset card must be 1. Received: 99"),
        ({"splits": {"train": {}}}, "Received one with KeyError"),
        ({"skeleton": {"schema": "x"}}, "`schema` must be one of"),
        ({"resolutions": None}, "Received one with TypeError"),
    ],
)
def test_a_damaged_card_is_refused_with_its_file(tmp_path, change, message):
    (tmp_path / "dataset.json").write_text(json.dumps({**a_card().to_json(), **change}))
    with pytest.raises(ValueError, match=message) as caught:
        DatasetCard.load(tmp_path)
    assert "dataset.json" in str(caught.value)


def test_all_shards_of_a_split_have_to_be_there(tmp_path):
    card = a_card()
    names = [shard_name("avatar", "train", 8, i, 2) for i in range(2)]
    (tmp_path / names[0]).touch()
    with pytest.raises(ValueError, match=f"all 2 shards.*Missing: 1, the first is {names[1]}"):
        shard_paths(tmp_path, card, "train", 8)
    (tmp_path / names[1]).touch()
    assert shard_paths(tmp_path, card, "train", 8) == [str(tmp_path / name) for name in names]


def test_a_split_or_resolution_that_the_dataset_lacks_is_answered_with_those_it_has(tmp_path):
    with pytest.raises(ValueError, match=r"`split` must be one that .* holds: train"):
        shard_paths(tmp_path, a_card(), "test", 8)
    with pytest.raises(ValueError, match=r"`resolution` must be one that .* holds: 4, 8"):
        shard_paths(tmp_path, a_card(), "train", 16)
