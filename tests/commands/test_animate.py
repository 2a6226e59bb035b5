"""Animations from a checkpoint and from an exported model, by the real program on a tiny run."""

import json
import re
import resource
import signal
import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image

from export.saved_model.exporting import export_run
from local_server_process import serving
from psgan_tf.generation.animation import AnimationSpec, FrameStyle, SkeletonBackend, animate
from psgan_tf.generation.backends.checkpoint import CheckpointBackend
from psgan_tf.generation.backends.protocol import batches_of
from psgan_tf.generation.backends.saved_model import SavedModelBackend
from psgan_tf.generation.backends.served import ServedBackend
from psgan_tf.generation.characters import Character, save_character
from psgan_tf.generation.latent_mixing import BlendPart
from psgan_tf.generation.pose_sequences import PoseSequence, write_sequence
from psgan_tf.generation.pose_spec import PoseSpec, read_stage
from psgan_tf.generation.selection import latents_of_parts
from psgan_tf.images.pictures import enlarged
from psgan_tf.model.latents import latents_from_seeds
from psgan_tf.video.outputs import part_name
from run_programs import REPOSITORY, finish, run, start, wait_for
from tiny_data import SKELETON
from tiny_run import write_run

STAGE = PoseSpec(SKELETON, 16)


def swaying(frames):
    """[F, 3, 3] poses of the tiny skeleton; the last joint is hidden in every second frame."""
    t = np.arange(frames)
    keypoints = np.ones([frames, 3, 3], np.float32)
    keypoints[:, 0, :2] = np.stack([8 + 4 * np.sin(t / 3), np.full(frames, 4)], axis=1)
    keypoints[:, 1, :2] = np.stack([5 + t % 3, np.full(frames, 9)], axis=1)
    keypoints[:, 2, :2] = 12
    keypoints[1::2, 2] = 0
    return keypoints


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def painter(run_dir):
    return CheckpointBackend(run_dir)


@pytest.fixture
def motion(tmp_path):
    write_sequence(tmp_path / "sway.json", PoseSequence("sway", 12.0, swaying(20)), STAGE)
    return tmp_path / "sway.json"


def previewed(run_dir, motion, *flags):
    """The program without its network, which takes seconds to load."""
    return run(
        "psgan_tf.animate",
        *(f"--run_dir={run_dir}", f"--motion={motion}", "--fps=12", "--preview", *flags),
    )


def pictures(folder):
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("frame_*.png"))]


def test_every_frame_is_the_network_s_picture_of_the_character_in_that_pose(
    run_dir, painter, motion, tmp_path
):
    folder, film = tmp_path / "frames", tmp_path / "sway.mp4"
    status, printed = run(
        "psgan_tf.animate",
        *(f"--run_dir={run_dir}", f"--motion={motion}", "--seed=3", "--fps=12", "--scale=8"),
        f"--output={folder},{film}",
    )
    assert status == 0, printed
    assert re.search(r"20 frames in .*frames, .*sway.mp4 \(20 drawn, .* a second", printed)
    latents = latents_of_parts((BlendPart(3, ""),), painter, print)
    expected = painter.draw(np.repeat(latents, 20, axis=0), swaying(20))
    found = pictures(folder)
    np.testing.assert_allclose(np.stack(found)[:, ::8, ::8].astype(int), expected, atol=1)
    text = Image.open(folder / "frame_00001.png").text
    assert (text["character"], text["model"]) == ("seed3", painter.fingerprint)
    with av.open(str(film)) as container:
        assert container.streams.video[0].average_rate == 12
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 20
    errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(shown, found, strict=True)]
    assert max(errors) < 10  # the colours of noise; how close films are: test_video.py


@pytest.fixture(scope="module")
def exported(run_dir, tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    export_run(run_dir, models / "tiny", warmup_batch_sizes=[1])
    return models / "tiny"


def assert_draws_the_same(other, painter):
    assert (other.resolution, other.latent_size) == (painter.resolution, 8)
    assert other.fingerprint == painter.fingerprint
    latents = latents_of_parts((BlendPart(3, ""), BlendPart(5, "")), other, print)
    own = painter.draw(latents, swaying(2))
    np.testing.assert_allclose(other.draw(latents, swaying(2)).astype(int), own, atol=1)


def test_an_exported_model_draws_the_same_without_the_run(run_dir, exported, painter):
    assert_draws_the_same(SavedModelBackend(exported), painter)
    pose_spec = read_stage(exported)
    assert (pose_spec.skeleton, pose_spec.frame_px) == (SKELETON, 16)
    with pytest.raises(ValueError, match=r"holds no saved_model\.pb"):
        SavedModelBackend(run_dir)


def test_a_server_draws_the_same_and_says_what_poses_are_measured_in(exported, painter):
    with serving(f"--model_base_path={exported}", "--model_name=tiny") as server:
        remote = ServedBackend(server.grpc_address, "tiny")
        assert_draws_the_same(remote, painter)
        assert (remote.pose_spec.skeleton, remote.pose_spec.frame_px) == (SKELETON, 16)


def test_characters_of_another_checkpoint_are_told_of(painter, tmp_path):
    aoi = tmp_path / "aoi.npz"
    save_character(aoi, Character("Aoi", np.arange(8.0), "another checkpoint"))
    save_character(tmp_path / "own.npz", Character("Own", np.ones(8), painter.fingerprint))
    warnings = []
    parts = (
        BlendPart(None, str(aoi)),
        BlendPart(7, ""),
        BlendPart(None, str(tmp_path / "own.npz")),
    )
    latents = latents_of_parts(parts, painter, warnings.append)
    np.testing.assert_array_equal(latents[[0, 2]], [np.arange(8.0), np.ones(8)])
    np.testing.assert_array_equal(latents[1], latents_from_seeds(np.array([7]), 8)[0])
    assert len(warnings) == 1
    assert "Aoi was saved from checkpoint another checkpoint" in warnings[0]


def test_a_stopped_folder_goes_on_with_the_same_command_and_ends_the_same(
    run_dir, motion, tmp_path
):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert previewed(run_dir, motion, f"--output={whole}")[0] == 0
    assert previewed(run_dir, motion, f"--output={stopped}")[0] == 0
    for number in (3, 17):
        (stopped / f"frame_{number:05d}.png").unlink()
    status, printed = previewed(run_dir, motion, f"--output={stopped},{tmp_path / 'sway.gif'}")
    assert status == 0, printed
    assert "(20 drawn" in printed  # 16 and 4 are drawn together, and in both one was missing
    assert Image.open(tmp_path / "sway.gif").n_frames == 20
    for path in whole.iterdir():
        assert path.read_bytes() == (stopped / path.name).read_bytes()
    status, printed = previewed(run_dir, motion, f"--output={stopped}")
    assert (status, "drawn" in printed) == (0, False)
    status, printed = previewed(run_dir, motion, "--scale=3", f"--output={stopped}")
    assert (status, printed.count("\n")) == (1, 1)
    assert "made with another scale. Choose another folder" in printed


def test_an_interrupted_film_is_kept_as_far_as_it_came(run_dir, tmp_path):
    """Many large frames, so that it is not over before the signal comes."""
    motion, film = tmp_path / "long.json", tmp_path / "long.mp4"
    write_sequence(motion, PoseSequence("long", 12.0, swaying(4000)), STAGE)
    film.write_bytes(b"an earlier film")
    folder = tmp_path / "frames"
    process = start(
        "psgan_tf.animate",
        *(f"--run_dir={run_dir}", f"--motion={motion}", "--fps=12", "--preview", "--scale=20"),
        f"--output={film},{folder}",
    )
    wait_for(process, lambda: len(list(folder.glob("frame_*.png"))) > 20)
    process.send_signal(signal.SIGINT)
    status, printed = finish(process)
    assert status == 130, printed
    assert "stopped. With a folder as output the same command goes on." in printed
    assert film.read_bytes() == b"an earlier film"
    written = sorted(folder.glob("frame_*.png"))
    with av.open(str(part_name(film))) as container:
        assert len(list(container.decode(video=0))) == len(written) >= 20
    assert list(tmp_path.glob(".*")) == []


def test_a_full_disk_is_one_line_and_the_frames_before_it_stay(run_dir, motion, tmp_path):
    folder = tmp_path / "frames"

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    done = subprocess.run(
        [
            *(sys.executable, "-m", "psgan_tf.animate", f"--run_dir={run_dir}", "--fps=12"),
            *(f"--motion={motion}", f"--output={folder},{tmp_path / 'sway.mp4'}"),
            *("--preview", "--scale=32"),
        ],
        cwd=REPOSITORY,
        preexec_fn=small_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"psgan_tf.animate: .*File too large\n", done.stderr), done.stderr
    assert not (tmp_path / "sway.mp4").exists()
    assert len(pictures(folder)) >= 1
    assert list(tmp_path.rglob(".*.tmp-*")) == []


def test_a_preview_needs_no_tensorflow_and_shows_the_skeleton(run_dir, motion, tmp_path):
    program = (
        "import sys, runpy; sys.modules['tensorflow'] = None\n"
        "runpy.run_module('psgan_tf.animate', run_name='__main__')"
    )
    folder = tmp_path / "frames"
    flags = [f"--run_dir={run_dir}", f"--motion={motion}", "--preview", f"--output={folder}"]
    done = subprocess.run(
        [sys.executable, "-c", program, *flags, "--fps=12"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = pictures(folder)
    assert len(shown) == 20
    assert shown[0].shape == (256, 256, 3)
    drawn = [(frame < 200).any(axis=-1).sum() for frame in shown]
    assert drawn[0] > drawn[1] > 0  # the hidden joint and its limb are not drawn


def test_the_poses_that_were_drawn_can_be_kept(run_dir, motion, tmp_path):
    status, printed = previewed(run_dir, motion, f"--save_poses={tmp_path / 'kept.json'}")
    assert status == 0, printed
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert (kept["schema"], kept["fps"], kept["image_size"]) == ("tail3", 12.0, [16, 16])
    np.testing.assert_allclose(kept["frames"], swaying(20), atol=1e-5)


def scene(look, frames=3):
    sequence = PoseSequence("sway", 12.0, swaying(frames))
    return AnimationSpec(STAGE, sequence, np.zeros([frames, 0], np.float32), look, {})


def test_small_pictures_are_enlarged_by_whole_pixels():
    assert [FrameStyle().factor(size) for size in (8, 32, 100, 256, 1024)] == [32, 8, 3, 1, 1]
    assert FrameStyle(scale=2).factor(1024) == 2
    picture = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    np.testing.assert_array_equal(
        scene(FrameStyle(scale=3)).frame(0, picture), enlarged(picture, 3)
    )


def test_the_skeleton_stands_beside_the_picture():
    picture = np.zeros([8, 8, 3], np.uint8)
    frame = scene(FrameStyle(scale=4, side_by_side=True)).frame(0, picture)
    assert frame.shape == (32, 64, 3)
    assert (frame[:, 32:] == 0).all()
    np.testing.assert_array_equal(
        frame[:, :32], SkeletonBackend(STAGE, 32).draw(None, swaying(1))[0]
    )


def test_a_transparent_background_keeps_the_figure_opaque():
    picture = np.full([8, 8, 3], 255, np.uint8)
    picture[2:6, 2:6] = 10
    frame = scene(FrameStyle(scale=2, background="transparent", side_by_side=True)).frame(
        0, picture
    )
    assert frame.shape == (16, 32, 4)
    assert (frame[:, :16, 3] == 255).all()
    expected = np.where((picture < 255).any(axis=-1), 255, 0)
    np.testing.assert_array_equal(frame[::2, 16::2, 3], expected)


def test_frames_are_drawn_in_the_same_groups_wherever_a_job_begins():
    groups = batches_of(40, 8)
    assert [len(group) for group in groups] == [16, 16, 8]
    assert [number for group in groups for number in group] == list(range(40))
    assert {len(group) for group in batches_of(9, 1024)} == {1, 2}


class Failing(SkeletonBackend):
    """A painter whose server goes away."""

    def draw(self, latents, keypoints):
        if keypoints[0, 0, 0] == swaying(17)[16, 0, 0]:
            raise ConnectionError("the server is gone")
        return super().draw(latents, keypoints)


def test_what_was_drawn_before_a_failure_is_kept(tmp_path):
    output = tmp_path / "sway.webp"
    output.write_bytes(b"an earlier one")
    with pytest.raises(ConnectionError):
        animate(scene(FrameStyle(), 20), Failing(STAGE, 32), [output], print, lambda: False)
    assert output.read_bytes() == b"an earlier one"
    assert Image.open(tmp_path / "sway.part.webp").n_frames == 16


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--output=film.gif", "--fps=60"], "`fps` of a GIF must be at most 50"),
        (["--output=a.mp4", "--saved_model=x"], "one of them"),
        (["--output=a.mp4", "--from_secs=9"], "must take a part of the motion"),
        (["--output=a.mp4", "--from_secs=nan"], "must take a part of the motion"),
        (["--output=a.mp4", "--background=transparent"], "a kind that holds transparency"),
        (["--output=a.mp4", "--avatar=Nobody"], "`avatar` must be one of the dataset's"),
    ],
)
def test_mistakes_are_one_line_before_any_work(run_dir, motion, flags, message):
    status, printed = previewed(run_dir, motion, *flags)
    assert (status, printed.count("\n")) == (1, 1), printed
    assert re.search(message, printed)
