"""What configurations refuse, and their way through JSON."""

import dataclasses
import json

import pytest

from psgan_tf.model.config import NetworkConfig, is_power_of_two
from psgan_tf.training.config import TrainingConfig, from_json, load_options, to_json

A_RUN = TrainingConfig(
    NetworkConfig(64, num_keypoints=18, pose_resolutions=(8, 64), limb_points=1, limbs=((0, 1),)),
    data_dir="data/ä",
    run_dir="runs/1",
    seed=7,
    fade_kimg="6,8:3",
    mirror=True,
    precision="bfloat16",
    ema_decay=0.99,
)


def test_defaults_are_the_papers_avatar_run():
    network, run = NetworkConfig(), TrainingConfig(NetworkConfig(), "", "")
    assert (network.resolution, network.num_keypoints, network.latent_size) == (1024, 20, 512)
    assert (run.gradient_penalty_weight, run.drift_weight, run.ema_decay) == (10, 0.001, 0.999)
    assert (run.precision, run.mirror) == ("float32", False)


def test_feature_maps_are_those_of_progressive_gan_table_2():
    widths = [NetworkConfig().feature_maps(n) for n in NetworkConfig().resolutions]
    assert NetworkConfig().resolutions == (4, 8, 16, 32, 64, 128, 256, 512, 1024)
    assert widths == [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert NetworkConfig().feature_maps(2) == 512


def test_feature_maps_follow_base_and_cap():
    config = NetworkConfig(resolution=64, fmap_base=512, fmap_max=128)
    assert [config.feature_maps(n) for n in (2, 4, 8, 16, 32, 64)] == [128, 128, 128, 64, 32, 16]
    assert NetworkConfig(resolution=4, fmap_base=2).feature_maps(4) == 1


def test_the_pose_enters_everywhere_or_where_it_is_told_to():
    assert [NetworkConfig(64).pose_planes_at(n) for n in (4, 32, 64)] == [20, 20, 20]
    single = NetworkConfig(64, pose_resolutions=(32,))
    assert [single.pose_planes_at(n) for n in (4, 32, 64)] == [0, 20, 0]
    nowhere = NetworkConfig(64, pose_resolutions=())
    assert [nowhere.pose_planes_at(n) for n in (4, 32, 64)] == [0, 0, 0]
    plain = NetworkConfig(64, num_keypoints=0, pose_resolutions=(32,))
    assert plain.pose_planes_at(32) == 0


def test_planes_along_limbs_join_those_of_keypoints():
    network = NetworkConfig(64, pose_resolutions=(32,), limb_points=2, limbs=((0, 1), (1, 2)))
    assert [network.pose_planes_at(n) for n in (4, 32, 64)] == [0, 24, 0]
    assert NetworkConfig(64, limb_points=2).num_pose_planes == 20


def test_values_of_pose_maps_are_the_papers_or_grow_with_the_scale():
    assert {NetworkConfig().pose_values(n) for n in (4, 1024)} == {(-1.0, 1.0)}
    equalized = NetworkConfig(pose_maps="equalized")
    assert [equalized.pose_values(n) for n in (4, 8, 64)] == [(0, 2), (0, 4), (0, 32)]
    assert NetworkConfig(pose_maps="equalized", pose_scale=0.25).pose_values(64) == (0, 16)


def test_a_list_of_resolutions_is_kept_as_a_tuple():
    config = NetworkConfig(64, pose_resolutions=[8, 64])
    assert config == NetworkConfig(64, pose_resolutions=(8, 64))
    assert hash(config) == hash(NetworkConfig(64, pose_resolutions=(8, 64)))


@pytest.mark.parametrize("value", [1, 2, 4, 1024])
def test_powers_of_two_are_known(value):
    assert is_power_of_two(value)


@pytest.mark.parametrize("value", [-4, 0, 3, 6, 1023])
def test_other_numbers_are_no_powers_of_two(value):
    assert not is_power_of_two(value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"resolution": 100},
            r"`resolution` must be a power of two of at least 4\. .*=100\. Choose",
        ),
        ({"resolution": 2}, r"`resolution` must be a power of two of at least 4"),
        ({"resolution": 0}, r"`resolution` must be"),
        ({"resolution": -64}, r"`resolution` must be"),
        ({"num_keypoints": -1}, r"`num_keypoints` must be at least 0\. Received: num_keypoints=-1"),
        ({"keypoint_frame": 0}, r"`keypoint_frame` must be at least 1"),
        ({"latent_size": 0}, r"`latent_size` must be at least 1"),
        ({"fmap_max": 0}, r"`fmap_max` must be at least 1"),
        ({"fmap_base": 511}, r"`fmap_base` must leave.*fmap_base=511, resolution=1024\. Raise"),
        ({"pose_maps": "loud"}, r"`pose_maps` must be one of paper, equalized\. .*'loud'"),
        ({"pose_scale": 0.0}, r"`pose_scale` must lie in \(0, 64\.0\]\. Received: pose_scale=0\.0"),
        ({"pose_scale": float("nan")}, r"`pose_scale` must lie in .*nan"),
        ({"limb_points": -1}, r"`limb_points` must be at least 0"),
        ({"limbs": ((0, 20),)}, r"`limbs` must be pairs of different rows below 20.*\[0, 20\]"),
        ({"limbs": ((3, 3),)}, r"`limbs` must be pairs of different rows"),
        ({"pose_resolutions": (3, 8, 2048)}, r"`pose_resolutions` must be among .*\[3, 2048\]"),
    ],
)
def test_a_network_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"precision": "float16"}, r"`precision` must be one of float32, bfloat16\. .*'float16'"),
        ({"ema_decay": 1.0}, r"`ema_decay` must lie in \[0, 1\)\. Received: ema_decay=1\.0"),
        ({"ema_decay": -0.1}, r"`ema_decay` must lie in"),
        ({"ema_decay": float("nan")}, r"`ema_decay` must lie in"),
        ({"gradient_penalty_weight": -1.0}, r"`gradient_penalty_weight` must not be negative"),
        ({"drift_weight": float("nan")}, r"`drift_weight` must not be negative.*nan"),
        ({"checkpoint_minutes": 0.0}, r"`checkpoint_minutes` must be positive"),
        ({"checkpoint_minutes": float("nan")}, r"`checkpoint_minutes` must be positive"),
        ({"keep_checkpoints": 0}, r"`keep_checkpoints` at least 1.*keep_checkpoints=0"),
        ({"seed": -1}, r"`seed` must lie in \[0, 4294967296\)\. Received: seed=-1"),
        ({"seed": 2**32}, r"`seed` must lie in .* Received: seed=4294967296"),
    ],
)
def test_a_run_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(NetworkConfig(), "data", "run", **fields)


def test_a_configuration_cannot_be_changed_unnoticed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        A_RUN.seed = 8
    with pytest.raises(dataclasses.FrozenInstanceError):
        A_RUN.network.resolution = 8


@pytest.mark.parametrize("config", [A_RUN, TrainingConfig(NetworkConfig(), "", "")])
def test_json_brings_back_the_same_configuration(config):
    assert from_json(to_json(config)) == config


def test_the_json_is_for_people_too():
    lines = to_json(A_RUN).splitlines()
    assert '  "seed": 7,' in lines
    assert '    "resolution": 64,' in lines
    assert set(json.loads(to_json(A_RUN))) == {f.name for f in dataclasses.fields(TrainingConfig)}


def changed(**entries):
    return json.dumps({**json.loads(to_json(A_RUN)), **entries})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        '{"network": 3}',
        changed(network=None),
        changed(network=[]),
        changed(network={"resolution": "64"}),
        changed(network={"resolutions": 64}),
        changed(network={"pose_resolutions": 8}),
        changed(seed=None),
        changed(colour="red"),
    ],
)
def test_json_that_holds_no_options_is_refused(text):
    with pytest.raises(ValueError, match=r"`options\.json` must hold the options of a run\."):
        from_json(text)


def test_json_of_options_that_cannot_be_says_which():
    with pytest.raises(ValueError, match=r"`resolution` must be a power of two"):
        from_json(changed(network={"resolution": 65}))


def test_the_options_of_a_run_are_found_in_its_directory(tmp_path):
    (tmp_path / "options.json").write_text(to_json(A_RUN), encoding="utf-8")
    assert load_options(tmp_path) == A_RUN
    assert load_options(str(tmp_path)) == A_RUN


def test_a_directory_that_is_no_run_is_refused_by_name(tmp_path):
    message = r"`run_dir` must be the directory of a training run\. Received: .*, which has no opt"
    with pytest.raises(ValueError, match=message) as error:
        load_options(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(error.value)
