"""The twelve costumes of the preset `koharu128`: told apart by colours alone, and by shape."""

from itertools import combinations
from math import radians

import numpy as np
import pytest

from psgan_tf.motion.camera import Camera
from psgan_tf.motion.motion_files import motion_from_file
from tools.avatars.dataset.poses import pose_avatar
from tools.avatars.dataset.presets import DISTINCT_COSTUMES
from tools.avatars.loading.costumes import dressed, read_costumes
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure_building import build_figure

SIZE_PX = 64
# Motion, frame and side of each picture.
MOMENTS = (("idle", 0, -40), ("kick", 40, 20), ("turn", 84, 0), ("stretch", 120, 50))


@pytest.fixture(scope="module")
def pictures(koharu, builtin_files):
    """Costume to [4, 64, 64, 4] uint8 on nothing."""
    looks = {costume.name: costume for costume in read_costumes(builtin_files.costumes)}
    result = {}
    for name in DISTINCT_COSTUMES:
        figure = build_figure(dressed(koharu.surfaces, looks[name]), looks[name].expression)
        drawn = []
        for motion, frame, yaw in MOMENTS:
            read = motion_from_file(builtin_files.motions[motion])
            poses = pose_avatar(koharu.rig, koharu.skeleton, read, np.array([frame]), "motion")
            camera = Camera(SIZE_PX, 34.0, target=(0.0, 0.88, 0.0)).turned(radians(yaw), 0.0)
            posed = figure.posed(poses.node_worlds[0], camera.matrices(poses.hips)[0], SIZE_PX)
            table, size = figure.material_table, (SIZE_PX, SIZE_PX)
            drawn.append(draw_on_cpu(posed, table, figure.bank, size, 2, transparent=True))
        result[name] = np.stack(drawn)
    return result


def histogram(picture):
    """[512]: how often each colour is, of 8 x 8 x 8, where something is drawn."""
    colors = picture[picture[..., 3] > 128][:, :3] // 32
    counts = np.bincount(colors @ np.array([64, 8, 1]), minlength=512)
    return counts / counts.sum()


def test_a_histogram_of_other_poses_names_the_costume(pictures):
    histograms = {name: np.array([histogram(p) for p in drawn]) for name, drawn in pictures.items()}
    for name, own in histograms.items():
        for k in range(len(MOMENTS)):
            likeness = {
                other: np.sqrt(np.delete(some, k, axis=0).mean(axis=0) * own[k]).sum()
                for other, some in histograms.items()
            }
            assert max(likeness, key=likeness.get) == name


def test_the_shapes_differ(pictures):
    shapes = {name: drawn[..., 3] > 128 for name, drawn in pictures.items()}
    for first, second in combinations(shapes, 2):
        both, either = shapes[first] & shapes[second], shapes[first] | shapes[second]
        assert both.sum() / either.sum() < 0.9, (first, second)
