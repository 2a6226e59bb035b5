"""Exact keypoints: the same places and pixels by programs that share no code with ours.

`oracles/three_vrm/reference.json` was computed by three.js and three-vrm (see its README). The
pictures of `dataset/godette256` were rendered, and their keypoints projected, by another program.
"""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest

from normalised_poses import in_rig_axes, motion_of_normalised_poses, normalised_deltas
from psgan_tf.motion.camera import Camera
from psgan_tf.motion.gltf.clips import clip_index, sample_clip
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.gltf.vrma import read_vrma
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from psgan_tf.motion.retarget import retarget, rig_matrices
from run_programs import HELPERS
from shared_assets import shared_path

REFERENCE = json.loads((HELPERS / "oracles/three_vrm/reference.json").read_text(encoding="utf-8"))
LARGEST_ERROR_PX = 0.01


@functools.cache
def avatar(file):
    rig = rig_of_gltf(read_gltf(shared_path(f"avatars/models/{file}")))
    return rig, rest_skeleton_of(rig)


def worst_pixel_error(case, posed, frame):
    camera = REFERENCE["cameras"][case["camera"]]
    ours = Camera(
        REFERENCE["size_px"],
        REFERENCE["pixels_per_unit"],
        camera["yaw_rad"],
        camera["pitch_rad"],
        (0.0, REFERENCE["target_height"], 0.0),
    )
    bones = [posed.skeleton.bones.index(bone) for bone in case["pixels"]]
    points = posed.positions[frame : frame + 1, bones]
    pixels = ours.project(points, posed.hips[frame : frame + 1])[0]
    return np.abs(pixels - list(case["pixels"].values())).max()


def worst_distance(case, rig, posed, frame):
    """In the file's own axes, as three-vrm states positions; from the avatar's own matrices."""
    nodes = [rig.bones[bone] for bone in case["positions"]]
    places = rig_matrices(rig, posed, slice(frame, frame + 1))[0, nodes, :3, 3]
    return np.linalg.norm(places @ rig.frame.T - list(case["positions"].values()), axis=1).max()


@pytest.mark.parametrize("case", REFERENCE["made_up"], ids=lambda case: case["avatar"])
def test_made_up_poses_put_every_bone_where_three_vrm_does(case):
    rig, skeleton = avatar(case["avatar"])
    posed = retarget(skeleton, motion_of_normalised_poses(rig, [case["pose"]]), "none")
    assert len(case["pixels"]) >= 20
    assert worst_pixel_error(case, posed, 0) < LARGEST_ERROR_PX
    assert worst_distance(case, rig, posed, 0) < 1e-6


@pytest.mark.parametrize(
    "case",
    REFERENCE["motions"],
    ids=lambda case: f"{case['avatar']}-{case['motion']}-{case['frame']}",
)
def test_real_motions_put_every_bone_where_three_vrm_does(case):
    rig, skeleton = avatar(case["avatar"])
    motion = motion_from_file(shared_path(f"avatars/motions/{case['motion']}"), case["clip"])
    posed = retarget(skeleton, motion)
    assert worst_pixel_error(case, posed, case["frame"]) < LARGEST_ERROR_PX
    assert worst_distance(case, rig, posed, case["frame"]) < 1e-6


@functools.cache
def idle_of_named_joints():
    """The idle animation as three-vrm plays it: it drops the keys of joints without a bone name.

    That file bends some; our reader keeps them, since the bones above and below move with them.
    """
    animation = read_vrma(read_gltf(shared_path("avatars/motions/idle_loop.vrma")), 120.0)
    named = set(animation.rig.bones.values())
    return replace(
        animation, rotations={n: r for n, r in animation.rotations.items() if n in named}
    )


@pytest.mark.parametrize(
    "case", REFERENCE["animation"], ids=lambda case: f"{case['avatar']}-{case['frame']}"
)
def test_a_vrm_animation_is_sampled_as_three_vrm_samples_it(case):
    # three-vrm copies each bone's turn from its rest, and scales the hips by their height.
    rig, skeleton = avatar(case["avatar"])
    animation = idle_of_named_joints()
    assert animation.fps == case["fps"]
    source, frame = animation.rig, case["frame"]
    world = animation.world_matrices()[frame]
    turns = normalised_deltas(source, world)
    scale = rig.rest_position("hips")[1] / source.rest_position("hips")[1]
    pose = {
        "bones": {b: in_rig_axes(rig, turn) for b, turn in turns.items() if b in rig.bones},
        "hips_travel": rig.frame @ world[source.bones["hips"], :3, 3] * scale
        - rig.rest_position("hips"),
    }
    posed = retarget(skeleton, motion_of_normalised_poses(rig, [pose]), "none")
    assert worst_distance(case, rig, posed, 0) < 1e-6


GODETTE256_CLIPS = ("backflip", "jumping_jacks", "meditate", "run_anime", "victory")


@pytest.mark.parametrize("name", GODETTE256_CLIPS)
def test_keypoints_equal_those_of_pictures_rendered_by_another_program(name):
    manifest = shared_path("dataset/godette256/manifest.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in manifest.splitlines() if f"/c0_{name}_" in line]
    assert len(rows) == 28
    _, skeleton = avatar("godette_vrm0.vrm")
    gltf = read_gltf(shared_path("avatars/motions/mesh2motion_12_actions.glb"))
    # That program's time starts at 0, ours at the clip's first key; its times have four digits.
    fps = 960
    clip = clip_index(gltf, name.replace("_", " ").title())
    samplers = gltf.json["animations"][clip]["samplers"]
    start = min(gltf.json["accessors"][s["input"]]["min"][0] for s in samplers)
    motion = sample_clip(gltf, rig_of_gltf(gltf), clip, fps).motion(name)
    frames = np.array([max(0, round((row["time_s"] - start) * fps)) for row in rows])
    posed = retarget(
        skeleton,
        replace(
            motion, rotations=motion.rotations[frames], hips_offsets=motion.hips_offsets[frames]
        ),
    )
    truth = np.array([row["keypoints"] for row in rows])[..., :2]
    ours = np.stack(
        [
            Camera(256, 142.67, row["yaw_rad"]).project(
                posed.keypoints[index : index + 1], posed.hips[index : index + 1]
            )[0]
            for index, row in enumerate(rows)
        ]
    )
    # Heights relative to the hips: that program scaled their travel by another length.
    ours[..., 1] += truth[:, :1, 1] - ours[:, :1, 1]
    errors_px = np.abs(ours - truth)
    # Half a millisecond of rounded time is half a pixel of the fastest hand.
    assert np.median(errors_px) < 0.005
    assert np.percentile(errors_px, 95) < 0.1
    assert errors_px.max() < 0.7
