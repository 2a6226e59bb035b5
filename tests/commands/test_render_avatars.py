"""The program `tools.render_avatars`: as a user runs, kills and misuses it."""

import json
import resource
import signal
import subprocess
import time

import numpy as np
import pytest

from avatars_by_hand import figure_avatar
from motion_files_by_hand import FIGURE, bvh, written
from psgan_tf.keypoints.dataset_folder import check_folder, read_folder
from render_jobs import (
    MOVES,
    assert_one_line_of_error,
    command,
    contents,
    kill,
    run,
    started,
)
from run_programs import REPOSITORY
from shared_assets import shared_path
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.rendering_job import render_dataset


@pytest.fixture
def inputs(tmp_path):
    """Flags of a job of eight blocks with ten pictures each."""
    avatar = written(tmp_path, "figure.glb", figure_avatar(skinned=True).glb())
    moves = [MOVES[k % len(MOVES)] for k in range(10)]
    motions = [written(tmp_path, f"{name}.bvh", bvh(moves)) for name in ("a", "b")]
    looks = {"costumes": {name: {} for name in ("day", "night", "rain", "snow")}}
    costumes = written(tmp_path, "looks.json", json.dumps(looks))
    return [
        f"--avatar={avatar}",
        *(f"--motion={motion}" for motion in motions),
        f"--costumes={costumes}",
        "--name=test",
        "--yaw=-60:60",
    ]


def test_a_killed_job_leaves_no_process_goes_on_and_ends_with_the_same_bytes(tmp_path, inputs):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    flags = [*inputs, "--size=256", "--samples=4", "--workers=2"]
    kill(started([*flags, f"--output={killed}"], blocks=2))
    assert not (killed / "manifest.jsonl").exists()
    done = run(*flags, f"--output={killed}")
    assert done.returncode == 0
    assert "going on: " in done.stdout
    assert run(*flags[:-1], "--workers=1", f"--output={whole}").returncode == 0
    assert contents(killed) == contents(whole)
    assert list(killed.rglob(".*.tmp-*")) == []
    assert check_folder(killed) == []


def test_a_job_stopped_by_the_user_ends_with_one_line(tmp_path, inputs):
    output = tmp_path / "out"
    flags = [*inputs, "--size=256", "--samples=4", "--workers=2", f"--output={output}"]
    process = started(flags, blocks=1)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors == "render_avatars: stopped. The same command again goes on from here.\n"
    assert list(output.rglob(".*.tmp-*")) == []


def test_a_write_that_fails_leaves_no_half_file_and_the_job_can_go_on(tmp_path, inputs):
    output = tmp_path / "out"
    flags = [*inputs, "--size=128", "--workers=1", f"--output={output}"]

    def limit():
        # Larger files than this cannot be written, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    done = run(*flags, preexec_fn=limit)
    assert_one_line_of_error(done, "File too large")
    assert not (output / "manifest.jsonl").exists()
    assert list(output.rglob(".*.tmp-*")) == []
    assert run(*flags).returncode == 0
    assert check_folder(output) == []


def test_a_disk_too_small_is_refused_before_pictures_are_made(tmp_path, inputs):
    disk, listing = tmp_path / "disk", tmp_path / "listing"
    disk.mkdir()
    # A real file system of 200 kB, which only the program and its shell see.
    private = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=200k none {disk}"
    try:
        subprocess.run([*private, mount], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk cannot be mounted here: {error}")
    script = f'{mount} && "$@"; code=$?; ls -A {disk}/out > {listing}; exit $code'
    flags = [*inputs, "--size=256", "--workers=1", f"--output={disk / 'out'}"]
    done = subprocess.run(
        [*private, script, "sh", *command(*flags)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert_one_line_of_error(done, "`output` must be on a disk with", "free")
    assert listing.read_text().split() == [".rendering"]


def _truncated(tmp_path):
    data = figure_avatar(skinned=True).glb()
    return {"avatar": written(tmp_path, "cut.glb", data[: len(data) // 2])}


def _nan_motion(tmp_path):
    text = bvh(MOVES).splitlines()
    text[-1] = text[-1].replace("0.000000", "nan", 1)
    return {"motion": written(tmp_path, "nan.bvh", "\n".join(text))}


def _without_legs(tmp_path):
    figure = {name: place for name, place in FIGURE.items() if "Leg" not in name}
    figure = {name: place for name, place in figure.items() if "Foot" not in name}
    figure = {name: place for name, place in figure.items() if "Toes" not in name}
    return {"avatar": written(tmp_path, "legless.glb", figure_avatar(figure=figure).glb())}


def _without_frames(tmp_path):
    return {"motion": written(tmp_path, "empty.bvh", bvh([]))}


def _web_page(tmp_path):
    return {"avatar": written(tmp_path, "page.vrm", "<!DOCTYPE html><html>not found</html>")}


def _missing(tmp_path):
    return {"motion": tmp_path / "missing.bvh"}


def _no_motion(tmp_path):
    return {"motion": written(tmp_path, "photo.bvh", b"\x89PNG\r\n\x1a\n")}


BROKEN = [
    (_truncated, ["cut.glb", "truncated"]),
    (_nan_motion, ["nan.bvh"]),
    (_without_legs, ["legless.glb", "leftUpperLeg"]),
    (_without_frames, ["empty.bvh", "at least one frame"]),
    (_web_page, ["page.vrm", "web page"]),
    (_missing, ["missing.bvh", "No such file"]),
    (_no_motion, ["photo.bvh", "must be a BVH"]),
]


def with_broken(tmp_path, broken):
    return {
        "avatar": written(tmp_path, "figure.glb", figure_avatar().glb()),
        "motion": written(tmp_path, "moves.bvh", bvh(MOVES)),
    } | broken(tmp_path)


@pytest.mark.parametrize(("broken", "words"), BROKEN)
def test_a_broken_input_is_a_clear_error_and_nothing_is_written(tmp_path, broken, words):
    files, output = with_broken(tmp_path, broken), tmp_path / "out"
    options = RenderOptions((files["avatar"],), output, (str(files["motion"]),), workers=1)
    with pytest.raises(ValueError, match="Received: ") as raised:
        render_dataset(options, print)
    assert all(word in str(raised.value) for word in words)
    assert not output.exists()


def test_an_error_is_one_line_of_the_program(tmp_path):
    files, output = with_broken(tmp_path, _truncated), tmp_path / "out"
    done = run(*(f"--{key}={path}" for key, path in files.items()), f"--output={output}")
    assert_one_line_of_error(done, "cut.glb", "truncated", "Received: ")
    assert not output.exists()


def test_an_avatar_that_forbids_it_is_rendered_with_the_users_word_only(tmp_path):
    bones = [{"bone": bone, "node": index} for index, bone in enumerate(FIGURE)]
    meta = {"title": "Mine", "author": "Somebody", "allowedUserName": "OnlyAuthor"}
    extensions = {"VRM": {"humanoid": {"humanBones": bones}, "meta": meta}}
    avatar = written(tmp_path, "mine.vrm", figure_avatar(extensions=extensions).glb())
    motion = written(tmp_path, "moves.bvh", bvh(MOVES))
    output = tmp_path / "out"
    flags = [f"--avatar={avatar}", f"--motion={motion}", f"--output={output}", "--size=32"]
    assert_one_line_of_error(run(*flags), "mine.vrm", "only its author", "--have_permission")
    assert not output.exists()
    assert run(*flags, "--workers=1", "--have_permission").returncode == 0
    card = json.loads((output / "card.json").read_text())
    assert card["permission"] == "claimed by the user"
    assert card["avatars"][0]["licence"]["forbidden"] == ["only its author may use the avatar"]


def test_check_tells_what_avatars_motions_and_costumes_hold(tmp_path):
    motion = written(tmp_path, "moves.bvh", bvh(MOVES))
    costumes = written(tmp_path, "looks.json", '{"costumes": {"night": {"hide": ["Hat"]}}}')
    knight = shared_path("avatars/models/kaykit_Knight.glb")
    godette = shared_path("avatars/models/godette_vrm0.vrm")
    done = run(*(f"--check={path}" for path in (godette, knight, motion, costumes)))
    assert done.returncode == 0
    for line in (
        "godette_vrm0.vrm: VRM 0.x",
        "meshes: 4 parts, 3,439 triangles",
        "  GodotLogo: blend, texture 512 x 512, double-sided, outline none",
        "bones found: 45 of 55: hips, spine",
        "terms: Low-Poly Godette by SirRichard94 (CC BY)",
        "  Cube.003 (node 1H_Sword_Offhand): 300 triangles of knight_texture, rigid",
        "keypoints filled from geometry: neck, leftShoulder, rightShoulder",
        "moves.bvh: BVH motion, 3 frames at 10 a second, 0.2 s",
        "  night: hides Hat; shows none; changes none",
    ):
        assert line in done.stdout


def test_check_names_the_bones_that_a_strange_rig_lacks(tmp_path):
    avatar = written(tmp_path, "strange.glb", figure_avatar().glb().replace(b'"head"', b'"xxxx"'))
    done = run(f"--check={avatar}")
    assert done.returncode == 0
    assert "bones missing that are required: head" in done.stdout


def test_a_bone_map_names_the_bones_of_a_strange_rig(tmp_path):
    avatar = written(tmp_path, "strange.glb", figure_avatar().glb().replace(b'"head"', b'"xxxx"'))
    bones = written(
        tmp_path, "bones.json", json.dumps({name: name for name in FIGURE} | {"head": "xxxx"})
    )
    motion = written(tmp_path, "moves.bvh", bvh(MOVES))
    output = tmp_path / "out"
    flags = [f"--avatar={avatar}", f"--motion={motion}", f"--output={output}", "--size=32"]
    assert_one_line_of_error(run(*flags), "strange.glb", "head", "bone map")
    assert run(*flags, "--workers=1", f"--avatar_bones={bones}").returncode == 0
    assert len(read_folder(output).rows) == 3


def test_a_real_avatar_in_motions_of_all_four_kinds(tmp_path):
    motions = shared_path("avatars/motions")
    done = run(
        f"--avatar={shared_path('avatars/models/godette_vrm0.vrm')}",
        f"--motion={motions}/m2m_jumping_jacks.bvh",
        f"--motion={motions}/dance_charleston_ik.vmd",
        f"--motion={motions}/idle_loop.vrma",
        f"--motion={motions}/mesh2motion_12_actions.glb#Bow",
        f"--output={tmp_path / 'out'}",
        "--size=128",
        "--poses_per_motion=3",
        "--workers=1",
        "--background=transparent",
    )
    assert done.returncode == 0, done.stderr
    folder = read_folder(tmp_path / "out")
    assert len(folder.rows) == 12
    assert check_folder(folder.directory) == []
    keypoints = np.stack([row.keypoints for row in folder.rows])
    assert (keypoints[..., 2] == 1).all()


@pytest.mark.parametrize("flag", ["--size=big", "stray"])
def test_a_wrong_flag_is_one_line(flag):
    assert_one_line_of_error(run(flag))


def test_without_output_it_says_what_to_give():
    assert_one_line_of_error(run("--avatar=x", "--motion=y"), "`output` must be given")


@pytest.mark.soak
def test_killed_at_ten_random_moments_it_still_ends_with_the_same_bytes(tmp_path, inputs):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    flags = [*inputs, "--size=384", "--samples=4", "--workers=2"]
    start = time.monotonic()
    assert run(*flags, f"--output={whole}").returncode == 0
    seconds = time.monotonic() - start
    random = np.random.default_rng(0)
    for _ in range(10):
        process = subprocess.Popen(
            command(*flags, f"--output={killed}"),
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(random.uniform(0, seconds))
        kill(process)
    assert run(*flags, f"--output={killed}").returncode == 0
    assert contents(killed) == contents(whole)
