"""Damaged files of every kind: a clear ValueError or a sound motion, never anything else.

Each case is a small good file with a few mutations drawn from a seed. `make soak` runs ten thousand
a reader, `make test` two hundred.
"""

import random
import signal

import numpy as np
import pytest

from file_mutations import WATCHDOG_SECS, gltf_mutator, mutate_bytes, mutate_text
from motion_files_by_hand import (
    FIGURE,
    IDENTITY,
    bvh,
    figure_gltf,
    humanoid_extension,
    turn,
    vmd,
    written,
)
from psgan_tf.motion.foot_tips import foot_tips
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.gltf.vrm_licence import licence_of
from psgan_tf.motion.motion_files import list_clips, motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from psgan_tf.motion.retarget import retarget, rig_matrices


def bvh_seed():
    rows = [{"leftUpperArm": [30 * k, 10, 5], "hips": [0, 1, k, 0, 5, 0]} for k in range(4)]
    return bvh(rows).encode()


def vmd_seed():
    keys = [
        (name, frame, (0.0, 0.1 * frame, 0.2), turn(1, 10 * frame))
        for name in ("センター", "上半身", "頭", "左腕", "左足ＩＫ", "右足")
        for frame in (0, 5, 9)
    ]
    return vmd(keys, switches=[(0, {"左足ＩＫ": True}), (5, {"左足ＩＫ": False})])


def gltf_seed(extensions):
    """A figure that moves, with a skinned mesh, a sparse accessor and one without a view."""
    times = [0.0, 0.1, 0.3]
    builder = figure_gltf(
        [
            ("leftUpperArm", "rotation", times, [IDENTITY, turn(2, 60), turn(2, 20)], "LINEAR"),
            ("hips", "translation", times, [(0, 1, 0), (0, 1.2, 0), (0, 1, 0.4)], "STEP"),
            ("head", "rotation", [0.0, 0.2], [IDENTITY] * 6, "CUBICSPLINE"),
        ],
        extensions=extensions,
    )
    attributes = {
        "POSITION": builder.accessor(np.eye(3), "VEC3"),
        "JOINTS_0": builder.accessor([[0, 1, 0, 0]] * 3, "VEC4", 5121),
        "WEIGHTS_0": builder.accessor([[255, 0, 0, 0]] * 3, "VEC4", 5121, normalized=True),
    }
    builder.document["accessors"][attributes["POSITION"]]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": builder.view(b"\1\0"), "componentType": 5123},
        "values": {"bufferView": builder.view(bytes(12))},
    }
    builder.document["accessors"].append({"componentType": 5126, "count": 3, "type": "VEC3"})
    builder.document["meshes"] = [{"primitives": [{"attributes": attributes}]}]
    binds = builder.accessor([np.eye(4)] * 2, "MAT4")
    feet = [list(FIGURE).index("leftFoot"), list(FIGURE).index("hips")]
    builder.document["skins"] = [{"joints": feet, "inverseBindMatrices": binds}]
    builder.document["nodes"].append({"mesh": 0, "skin": 0, "matrix": np.eye(4).ravel().tolist()})
    return builder


def read_motion(path):
    for clip in list_clips(path)[:3]:
        yield motion_from_file(path, clip)


def read_avatar(path):
    gltf = read_gltf(path)
    licence_of(gltf)
    rig = rig_of_gltf(gltf)
    skeleton = rest_skeleton_of(rig, foot_tips(gltf, rig))
    for motion in read_motion(path):
        posed = retarget(skeleton, motion.frames(slice(0, 50)))
        assert np.isfinite(posed.keypoints).all()
        assert np.isfinite(rig_matrices(rig, posed)).all()
        yield motion


def reader_cases():
    vrma, mutate_vrma = gltf_mutator(gltf_seed(humanoid_extension()))
    vrm, mutate_vrm = gltf_mutator(gltf_seed(humanoid_extension("0")))
    plain, mutate_plain = gltf_mutator(gltf_seed(None))
    return {
        "bvh": (bvh_seed(), mutate_text, read_motion),
        "vmd": (vmd_seed(), mutate_bytes, read_motion),
        "vrma": (vrma, mutate_vrma, read_motion),
        "gltf": (plain, mutate_plain, read_avatar),
        "vrm": (vrm, mutate_vrm, read_avatar),
    }


CASES = reader_cases()


def run_campaign(folder, name, count, seed):
    """Number of mutated files that were read and that were refused."""
    good, mutate, read = CASES[name]
    read_well = refused = 0
    path = folder / "case"
    for number in range(count):
        message = "case"
        draw = random.Random(f"{name}-{seed}-{number}")
        path.write_bytes(mutate(good, draw))
        signal.alarm(WATCHDOG_SECS)
        try:
            for motion in read(path):
                assert np.isfinite(motion.rotations).all()
            read_well += 1
        except ValueError as error:
            refused += 1
            message = str(error)
        except Exception as error:
            kept = written(folder, f"failed-{number}", path.read_bytes())
            raise AssertionError(f"{type(error).__name__}: {error} for {kept}") from error
        assert "case" in message or "Received" in message, f"unclear: {message}"
    return read_well, refused


@pytest.mark.parametrize("name", CASES)
def test_the_unharmed_files_are_read(tmp_path, name):
    good, _, read = CASES[name]
    assert len(list(read(written(tmp_path, "case", good)))) == 1


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_refused_clearly_or_read_soundly(tmp_path, guarded, name):
    read_well, refused = run_campaign(tmp_path, name, 200, "short")
    assert read_well + refused == 200
    assert refused >= 20  # the mutations do hurt


@pytest.mark.soak
@pytest.mark.parametrize("name", CASES)
def test_ten_thousand_damaged_files_are_refused_clearly_or_read_soundly(tmp_path, guarded, name):
    run_campaign(tmp_path, name, 10_000, "long")
