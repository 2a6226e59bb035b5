"""The client program against the local server: the pictures that psgan_tf.generate draws."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from local_server_process import serving
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.backends.served import Load, find_generator
from psgan_tf.generation.backends.served_pictures import write_frames, write_remote_animation
from psgan_tf.generation.characters import Character, save_character, subjects_of
from psgan_tf.generation.pose_sequences import PoseSequence
from psgan_tf.keypoints.schema import Skeleton
from psgan_tf.serving_client.client import RemoteModel
from psgan_tf.serving_client.rpc import RemoteError
from run_programs import REPOSITORY, run
from scripted_server import scripted_server
from tiny_run import moved, write_poses

CLIENT = "export.client"


@pytest.fixture(scope="module")
def server(tiny_model):
    with serving("--model_name=tiny", f"--model_base_path={tiny_model.parent}") as server:
        yield server


@pytest.fixture(scope="module")
def generator(server):
    with RemoteModel(server.grpc_address, "tiny") as model:
        yield find_generator(model)


@pytest.fixture(scope="module")
def sampler(tiny_run):
    return Sampler(tiny_run)


def pixels(path):
    return np.asarray(Image.open(path))


def test_help_answers_without_tensorflow():
    program = (
        "import runpy, sys\n"
        "sys.argv = ['client', '--help']\n"
        "try: runpy.run_module('export.client', run_name='__main__')\n"
        "except SystemExit: print('tensorflow' in sys.modules, 'grpc' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "--address" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False"


def test_the_program_draws_the_pictures_that_generate_draws(server, sampler, tmp_path):
    stranger = tmp_path / "mika.npz"
    latent = np.random.default_rng(0).normal(size=8).astype(np.float32)
    save_character(stranger, Character("Mika ミカ", latent, "of elsewhere"))
    poses = moved(3)
    status, printed = run(
        CLIENT,
        "generate",
        f"--address={server.grpc_address}",
        "--model=tiny",
        "--seeds=0-2,7",
        f"--characters={stranger}",
        f"--poses={write_poses(tmp_path / 'pose.json', poses)}",
        "--max_poses=2",
        "--batch_size=3",
        f"--output={tmp_path / 'out'}",
    )
    assert status == 0, printed
    assert printed.count("warning: ") == 1
    assert "warning: Mika ミカ was saved from checkpoint of elsewhere, this one is" in printed
    starts = ["seed0000", "seed0001", "seed0002", "seed0007", "Mika-ミカ"]
    names = {f"{start}_pose{number:04d}.png" for start in starts for number in (0, 1)}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*names, "grid.png"}
    latents = np.concatenate([sampler.latents([0, 1, 2, 7]), latent[None]])
    columns = []
    for number, pose in enumerate((poses[0], poses[2])):
        expected = sampler.images(latents, np.repeat(pose[None], 5, axis=0))
        paths = [tmp_path / "out" / f"{start}_pose{number:04d}.png" for start in starts]
        columns.append(np.concatenate([pixels(path) for path in paths]))
        np.testing.assert_array_equal(columns[-1], np.concatenate(list(expected)))
    # Beside the names and below the skeletons, each pixel as a square of 16.
    grid = pixels(tmp_path / "out" / "grid.png")[128::16, -256::16]
    np.testing.assert_array_equal(grid, np.concatenate(columns, axis=1))
    assert Image.open(paths[3]).text == {
        "seed": "7",
        "pose": "pose_0002",
        "served_by": "tiny version 1",
        "model": sampler.fingerprint,
        "images_shown": "20",
    }
    assert Image.open(paths[4]).text["character"] == "Mika ミカ"


def test_a_saved_character_is_the_same_in_every_program(server, tiny_run, tiny_model, tmp_path):
    """Saved by `generate`, drawn through the server, and moving: from its file and its picture."""
    poses = write_poses(tmp_path / "pose.json", moved(9)[::8])
    drawn, served = tmp_path / "drawn", tmp_path / "served"

    def done(module, *flags):
        status, printed = run(module, *flags)
        assert (status, "warning" in printed) == (0, False), printed

    who = ("--blend=seed3:0.7,seed5:0.3", "--save_character=Mika")
    done(
        "psgan_tf.generate", f"--run_dir={tiny_run}", f"--poses={poses}", *who, f"--output={drawn}"
    )
    npz, picture = drawn / "Mika.npz", drawn / "0.7-seed3-0.3-seed5_pose0000.png"
    expected = [pixels(drawn / f"0.7-seed3-0.3-seed5_pose{n:04d}.png").astype(int) for n in (0, 1)]
    assert np.abs(expected[0] - expected[1]).max() > 1
    where = (f"--address={server.grpc_address}", "--model=tiny", f"--output={served}")
    both = f"--characters={npz},{picture}"
    done(CLIENT, "generate", *where, both, f"--poses={picture}")
    for name in ("Mika", "0.7-seed3-0.3-seed5"):
        np.testing.assert_allclose(pixels(served / f"{name}_pose0000.png"), expected[0], atol=1)
    for model, who in ((f"--run_dir={tiny_run}", npz), (f"--saved_model={tiny_model}", picture)):
        frames = tmp_path / f"frames_{who.suffix[1:]}"
        motion = (f"--motion={poses}", "--source_fps=12", "--fps=12", "--scale=1")
        done("psgan_tf.animate", model, f"--character={who}", *motion, f"--output={frames}")
        found = [pixels(path).astype(int) for path in sorted(frames.glob("frame_*.png"))]
        np.testing.assert_allclose(found, expected, atol=1)


def test_the_program_animates_and_leaves_no_frames_behind(server, tmp_path):
    output = tmp_path / "walk.gif"
    status, printed = run(
        CLIENT,
        "animate",
        f"--address={server.grpc_address}",
        "--model=tiny",
        "--seeds=3",
        f"--motion={write_poses(tmp_path / 'walk.json', moved(6), fps=10)}",
        f"--output={output}",
    )
    assert status == 0, printed
    assert printed.endswith(f"6 frames at 10 a second: {output}\n")
    image = Image.open(output)
    # The format shows frames that are alike as one for longer.
    durations = []
    for number in range(image.n_frames):
        image.seek(number)
        durations.append(image.info["duration"])
    assert (image.size, sum(durations)) == ((8, 8), 600)
    assert {path.name for path in tmp_path.iterdir()} == {"walk.json", "walk.gif"}


def test_status_and_metadata_are_printed_for_people(server):
    flags = (f"--address={server.grpc_address}", "--model=tiny")
    assert run(CLIENT, "status", *flags) == (0, "version 1 AVAILABLE\n")
    status, printed = run(CLIENT, "metadata", *flags)
    assert status == 0
    assert printed.startswith("tiny version 1\ndescribe\n  in   rows: int64 [N]\n")
    assert "from_seed\n  in   keypoints: float32 [N, 3, 3]\n  in   seeds: int64 [N]\n" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "`COMMAND` must be one of generate, animate, status, metadata"),
        ([], "`COMMAND` must be given"),
        (["generate", "--seeds=x"], "`seeds` must be numbers and ranges"),
        (["status", "--retry_secs=0"], "localhost:1: UNAVAILABLE: "),
        (["status", "--seeds=4"], "`seeds` is a flag of generate and animate. Received: --seeds"),
        (["generate", "--motion=walk.bvh"], "`motion` is a flag of animate"),
        (["animate", "--poses=poses.json"], "`poses` is a flag of generate"),
        (
            ["status", "--root_certificates=README.md", "--retry_secs=0"],
            "localhost:1: UNAVAILABLE: ",
        ),
    ],
)
def test_what_cannot_be_is_one_line(arguments, message):
    status, printed = run(CLIENT, *arguments, "--address=localhost:1")
    assert (status, printed.count("\n")) == (1, 1), printed
    assert printed.startswith(f"client: {message}")


def test_the_server_alone_says_how_poses_are_measured(generator, sampler):
    assert generator.skeleton == Skeleton(
        "tail3", ("root", "left", "right"), ((1, 2),), ((0, 1), (0, 2))
    )
    assert (generator.frame_px, generator.latent_size, generator.version) == (16, 8, 1)
    assert generator.fingerprint == sampler.fingerprint


def test_a_model_of_another_kind_is_refused():
    refused = pytest.raises(ValueError, match="`model` must be a generator that export_saved_model")
    with scripted_server() as (_, address), RemoteModel(address, "toy") as model, refused:
        find_generator(model)


# ------------------------------------------------------------------------------------------------
# Animations that are cut off.

LOAD = Load(batch_size=2, in_flight=2)


def a_sequence(count=9):
    return PoseSequence("walk", 10.0, moved(count))


def write(generator, folder, subject=None, sequence=None, report=lambda line: None):
    subject = subject or subjects_of([3], [])[0]
    return write_frames(generator, subject, sequence or a_sequence(), folder, LOAD, report)


def test_frames_come_out_in_order_with_their_own_pose(generator, sampler, tmp_path):
    paths = write(generator, tmp_path)
    assert [path.name for path in paths] == [f"frame_{number:05d}.png" for number in range(1, 10)]
    latents = sampler.latents([3] * 9)
    drawn = np.stack([pixels(path) for path in paths])
    np.testing.assert_array_equal(drawn, sampler.images(latents, moved(9)))


def test_a_sequence_that_was_cut_off_goes_on_with_what_is_missing(generator, tmp_path):
    whole = write(generator, tmp_path)
    contents = [path.read_bytes() for path in whole]
    times = [path.stat().st_mtime_ns for path in whole]
    for path in (whole[4], whole[8]):
        path.unlink()
    lines = []
    write(generator, tmp_path, report=lines.append)
    assert [path.read_bytes() for path in whole] == contents
    kept = [path for n, path in enumerate(whole) if path.stat().st_mtime_ns == times[n]]
    assert len(kept) == 7
    assert lines[0] == "7 of 9 frames are there already"


def test_frames_of_another_character_or_motion_are_not_mixed_in(generator, tmp_path):
    write(generator, tmp_path)
    latent = np.zeros(8, np.float32)
    others = [subjects_of([4], [])[0], subjects_of([], [Character("3", latent, "")])[0]]
    for subject in others:
        with pytest.raises(
            ValueError, match="`output` must be an empty folder, or one of the same"
        ):
            write(generator, tmp_path, subject=subject)
    with pytest.raises(ValueError, match="`output` must be an empty folder, or one of the same"):
        write(generator, tmp_path, sequence=a_sequence(8))


def test_a_server_that_goes_away_leaves_the_frames_that_are_written(tiny_model, tmp_path):
    flags = ("--model_name=tiny", f"--model_base_path={tiny_model.parent}")
    lines = []
    with serving(*flags) as server, RemoteModel(server.grpc_address, "tiny", retry_secs=0) as model:
        generator = find_generator(model)

        def kill_early(line):
            lines.append(line)
            server.process.kill()

        sequence = PoseSequence("long", 10.0, np.tile(moved(9), (400, 1, 1)))
        output = tmp_path / "long.gif"
        with pytest.raises(RemoteError, match="UNAVAILABLE"):
            write_remote_animation(
                generator, subjects_of([3], [])[0], sequence, output, LOAD, kill_early
            )
    frames = sorted(path.name for path in (tmp_path / "long.gif.frames").glob("frame_*.png"))
    assert 1 <= len(frames) < 3600
    assert frames == [f"frame_{number:05d}.png" for number in range(1, len(frames) + 1)]
    assert not output.exists()
    assert lines[0].split(" of 3600")[0].isdigit()


def test_another_version_on_the_way_is_told(generator, tiny_model, tmp_path):
    """The second half of a resumed sequence is drawn by a server with a higher version."""
    frames = tmp_path / "frames"
    paths = write(generator, frames)
    for path in paths[5:]:
        path.unlink()
    models = tmp_path / "models"
    models.mkdir()
    (models / "2").symlink_to(tiny_model)
    lines = []
    flags = ("--model_name=tiny", f"--model_base_path={models}")
    with serving(*flags) as server, RemoteModel(server.grpc_address, "tiny") as model:
        write(find_generator(model), frames, report=lines.append)
    assert lines[1] == (
        "frame_00006.png and on by tiny version 2, before it by tiny version 1: "
        "the character may look different"
    )
