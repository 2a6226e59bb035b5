"""Skinning, shapes and posing against plain float64 arithmetic."""

import numpy as np
import pytest

from tools.avatars.renderer.figure_building import build_figure
from tools.avatars.renderer.skinning import skin_vertices
from tools.avatars.scene import (
    Material,
    MeshPart,
    MorphBind,
    Morphs,
    OutlineMode,
    Skin,
    Surfaces,
)

RANDOM_SEED = 5


def random_affine(random, count):
    """[count, 4, 4] float64 rotations with scale and travel."""
    matrices = np.tile(np.eye(4), (count, 1, 1))
    rotations, _ = np.linalg.qr(random.normal(size=(count, 3, 3)))
    matrices[:, :3, :3] = rotations * random.uniform(0.5, 1.5, (count, 1, 1))
    matrices[:, :3, 3] = random.uniform(-1, 1, (count, 3))
    return matrices


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def slowly_skinned(positions, joints, weights, matrices):
    """Blends each vertex's matrices, then applies the blend: the other order of the sums."""
    blended = np.einsum("vk,vkij->vij", weights.astype(np.float64), matrices[joints])
    points = np.concatenate([positions, np.ones((len(positions), 1))], axis=1)
    return np.einsum("vij,vj->vi", blended[:, :3], points), blended[:, :3, :3]


@pytest.mark.parametrize("influences", [1, 4, 8])
def test_vertices_move_by_the_weighted_mean_of_their_joints(influences):
    random = np.random.default_rng(RANDOM_SEED)
    count = 200
    positions = random.normal(size=(count, 3)).astype(np.float32)
    normals = unit(random.normal(size=(count, 3))).astype(np.float32)
    joints = random.integers(0, 12, (count, influences)).astype(np.int32)
    weights = random.uniform(0, 1, (count, influences)).astype(np.float32)
    weights[random.uniform(size=weights.shape) < 0.3] = 0.0
    weights[:, 0] += 0.1
    weights /= weights.sum(axis=1, keepdims=True)
    pushes = random.uniform(0, 0.1, count).astype(np.float32)
    matrices = random_affine(random, 12)
    moved, turned = np.empty_like(positions), np.empty_like(normals)
    palette = np.ascontiguousarray(matrices[:, :3], np.float32)
    skin_vertices(positions, normals, joints, weights, pushes, palette, moved, turned)
    expected, linear = slowly_skinned(positions, joints, weights, matrices)
    expected_normals = unit(np.einsum("vij,vj->vi", linear, normals))
    np.testing.assert_allclose(turned, expected_normals, atol=2e-5)
    np.testing.assert_allclose(moved, expected + pushes[:, None] * expected_normals, atol=2e-5)


def part(positions, node=0, mesh=0, material=0, **members):
    positions = np.asarray(positions, np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (len(positions), 1))
    return MeshPart(
        mesh_name="mesh",
        node_name="node",
        mesh=mesh,
        node=node,
        material=material,
        positions=positions,
        normals=normals,
        smooth_normals=members.pop("smooth_normals", normals),
        uvs=np.zeros((len(positions), 2), np.float32),
        colors=np.ones((len(positions), 4), np.float32),
        triangles=np.arange(len(positions), dtype=np.int32).reshape(-1, 3),
        **members,
    )


TRIANGLE = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)]
PIXELS = np.array([[10.0, 0, 0, 50], [0, -10.0, 0, 60], [0, 0, -10.0, 0], [0, 0, 0, 1]])
BARE = Material("bare")


def test_a_rigid_part_follows_its_node_and_comes_out_in_pixels():
    worlds = np.tile(np.eye(4), (2, 1, 1))
    worlds[1, :3, 3] = (1.0, 2.0, 3.0)
    figure = build_figure(Surfaces((), (BARE,), (), (part(TRIANGLE, node=1),)))
    frame = figure.posed(worlds, PIXELS, height_px=100)
    # x = 50 + 10 (x + 1), y = 60 - 10 (y + 2), distance = -10 (z + 3).
    np.testing.assert_allclose(
        frame.positions, [(60, 40, -30), (70, 40, -30), (60, 30, -30)], atol=1e-4
    )
    np.testing.assert_allclose(frame.normals, [(0, 0, 1)] * 3, atol=1e-6)


def test_two_skins_and_a_rigid_part_share_one_palette_without_mixing():
    random = np.random.default_rng(RANDOM_SEED)
    worlds = random_affine(random, 6)
    skins = (
        Skin(np.array([3, 1]), random_affine(random, 2)),
        Skin(np.array([5, 0, 2]), random_affine(random, 3)),
    )
    bound = {"weights": np.tile(np.float32([0.25, 0.75, 0, 0]), (3, 1))}
    joints = np.tile(np.int32([1, 0, 0, 0]), (3, 1))
    parts = (
        part(TRIANGLE, skin=0, joints=joints, **bound),
        part(TRIANGLE, skin=1, joints=joints + np.int32([1, 0, 0, 0]), **bound),
        part(TRIANGLE, node=4),
    )
    frame = build_figure(Surfaces((), (BARE,), skins, parts)).posed(worlds, np.eye(4), 1)
    first = (
        0.25 * worlds[1] @ skins[0].inverse_binds[1] + 0.75 * worlds[3] @ skins[0].inverse_binds[0]
    )
    second = (
        0.25 * worlds[2] @ skins[1].inverse_binds[2] + 0.75 * worlds[5] @ skins[1].inverse_binds[0]
    )
    points = np.concatenate([TRIANGLE, np.ones((3, 1))], axis=1)
    for index, matrix in enumerate((first, second, worlds[4])):
        expected = (points @ matrix.T)[:, :3]
        np.testing.assert_allclose(frame.positions[3 * index : 3 * index + 3], expected, atol=1e-5)


def morphing(default=(0.0, 0.5), mesh=0):
    deltas = np.zeros((2, 3, 3), np.float32)
    deltas[0, 0] = (0.0, 0.0, 1.0)
    deltas[1, 1] = (2.0, 0.0, 0.0)
    shapes = Morphs(("smile", "blink"), np.float32(default), deltas, np.zeros_like(deltas))
    return part(TRIANGLE, mesh=mesh, morphs=shapes)


def test_shapes_stand_at_the_files_own_weights():
    figure = build_figure(Surfaces((), (BARE,), (), (morphing(),)))
    np.testing.assert_array_equal(figure.positions[:3], [(0, 0, 0), (2, 0, 0), (0, 1, 0)])


def test_an_expression_moves_the_shapes_that_it_binds_by_its_strength():
    expressions = {"happy": (MorphBind(0, 0, 1.0),), "other": (MorphBind(1, 0, 1.0),)}
    surfaces = Surfaces((), (BARE,), (), (morphing(),), expressions)
    figure = build_figure(surfaces, {"happy": 0.25, "other": 1.0})
    np.testing.assert_array_equal(figure.positions[0], (0, 0, 0.25))
    assert (build_figure(surfaces, {}).positions[0] == 0).all()


def test_an_expression_takes_no_shape_beyond_its_end():
    expressions = {"blink": (MorphBind(0, 1, 1.0),)}
    surfaces = Surfaces((), (BARE,), (), (morphing(),), expressions)
    np.testing.assert_array_equal(build_figure(surfaces, {"blink": 1.0}).positions[1], (3, 0, 0))


@pytest.mark.parametrize(
    ("mode", "width", "reach_px"),
    [(OutlineMode.METRES, 0.3, 3.0), (OutlineMode.PICTURE_HEIGHT, 0.05, 5.0)],
)
def test_a_hull_reaches_out_by_metres_or_by_a_part_of_the_pictures_height(mode, width, reach_px):
    inked = Material("inked", outline_mode=mode, outline_width=width)
    leaning = np.tile(np.float32([0.6, 0.8, 0.0]), (3, 1))
    figure = build_figure(Surfaces((), (inked,), (), (part(TRIANGLE, smooth_normals=leaning),)))
    frame = figure.posed(np.eye(4)[None], PIXELS, height_px=100)
    assert (frame.first_ink, frame.first_blended) == (1, 2)
    reach = frame.positions[3:] - frame.positions[:3]
    np.testing.assert_allclose(reach, [(0.6 * reach_px, -0.8 * reach_px, 0)] * 3, atol=1e-4)
    doubled = figure.posed(np.eye(4)[None], PIXELS, height_px=100, outline_scale=2.0)
    np.testing.assert_allclose(doubled.positions[3:] - doubled.positions[:3], 2 * reach, atol=1e-4)
