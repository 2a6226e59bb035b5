"""The rasteriser against coverage counted by hand and against a slow one written differently."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from avatars_by_hand import BLUE, GREEN, RED, drawn, flat, frame_of, rectangle
from tools.avatars.renderer.rasterizer import BACK, FRONT
from tools.avatars.scene import AlphaMode, Material, Texture

WHITE_PIXEL, RED_PIXEL = [255, 255, 255, 255], [255, 0, 0, 255]


def covered(picture):
    """[H, W] bool: where a picture is not white."""
    return (picture[..., :3] != 255).any(axis=-1)


def test_a_triangle_covers_the_pixels_whose_centres_lie_in_it():
    # x + y < 4 in pixels. Centres on the slanted edge (x + y = 4) are on a right edge: not in it.
    picture = drawn(frame_of([[(0, 0, 0), (0, 4, 0), (4, 0, 0)]]), [flat()], size=5)
    expected = np.array([[x + y + 1 < 4 for x in range(5)] for y in range(5)])
    np.testing.assert_array_equal(covered(picture), expected)
    assert picture[0, 0].tolist() == RED_PIXEL
    assert picture[4, 4].tolist() == WHITE_PIXEL


def test_the_triangle_beyond_the_slanted_edge_gets_the_centres_on_it():
    picture = drawn(frame_of([[(4, 0, 0), (0, 4, 0), (4, 4, 0)]]), [flat()], size=5)
    expected = np.array([[x + y + 1 >= 4 and x < 4 and y < 4 for x in range(5)] for y in range(5)])
    np.testing.assert_array_equal(covered(picture), expected)


def test_centres_on_top_and_left_edges_are_in_and_on_bottom_and_right_edges_are_out():
    picture = drawn(frame_of(rectangle(1.5, 0.5, 3.5, 2.5)), [flat()], size=5)
    expected = np.zeros((5, 5), bool)
    expected[0:2, 1:3] = True
    np.testing.assert_array_equal(covered(picture), expected)


@pytest.mark.parametrize("seed", range(20))
def test_a_fan_of_triangles_leaves_no_sample_out_and_takes_none_twice(seed):
    random = np.random.default_rng(seed)
    # Corners on half pixels, so that many centres lie exactly on edges.
    middle = random.integers(6, 26, 2) / 2.0
    ring = [(0, 0), (16, 0), (16, 16), (0, 16)]
    fan = [[(*middle, 0), (*a, 0), (*b, 0)] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
    halves = [
        covered(drawn(frame_of([triangle]), [flat()], size=16)).astype(int) for triangle in fan
    ]
    np.testing.assert_array_equal(np.sum(halves, axis=0), np.ones((16, 16)))


def _inside(corners, x, y):
    """Whether a sample lies in a triangle, by exact fractions and the direction of each edge."""
    corners = [(Fraction(float(a)), Fraction(float(b))) for a, b, _ in corners]
    (ax, ay), (bx, by), (cx, cy) = corners
    if (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0:
        corners.reverse()
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        upper_edge = ay == by and bx > ax
        left_edge = by < ay
        if side < 0 or (side == 0 and not (upper_edge or left_edge)):
            return False
    return True


def test_random_triangles_cover_what_exact_fractions_say():
    random = np.random.default_rng(3)
    for _ in range(25):
        # 1/256 of a pixel: what corners are rounded to.
        corners = np.concatenate([random.integers(-512, 3072, (3, 2)) / 256.0, np.zeros((3, 1))], 1)
        picture = drawn(frame_of([corners]), [flat()], size=10)
        expected = [
            [_inside(corners, Fraction(2 * x + 1, 2), Fraction(2 * y + 1, 2)) for x in range(10)]
            for y in range(10)
        ]
        np.testing.assert_array_equal(covered(picture), expected)


def slow_picture(corners, colors, size):
    """Nearest triangle at each pixel's centre, by barycentric equations in float64."""
    picture = np.full((size, size, 3), 255.0)
    nearest = np.full((size, size), np.inf)
    y, x = np.mgrid[:size, :size] + 0.5
    for triangle, color in zip(corners, colors, strict=True):
        matrix = np.vstack([np.array(triangle, np.float64)[:, :2].T, np.ones(3)])
        weights = np.linalg.solve(matrix, np.stack([x, y, np.ones_like(x)]).reshape(3, -1))
        distances = (np.array(triangle)[:, 2] @ weights).reshape(size, size)
        inside = (weights > 0).all(axis=0).reshape(size, size) & (distances < nearest)
        nearest[inside] = distances[inside]
        picture[inside] = np.array(color) * 255.0
    return picture


def test_a_heap_of_triangles_looks_as_a_slow_rasteriser_draws_it():
    random = np.random.default_rng(7)
    corners = random.uniform(-4, 36, (40, 3, 3))
    # Colours of 0 and 1 only: encoding leaves them alone.
    colors = [tuple(map(float, format(index % 7, "03b"))) for index in range(40)]
    picture = drawn(
        frame_of(corners, materials=range(40)), [flat(color) for color in colors], size=32
    )
    rounded = corners.copy()
    rounded[..., :2] = np.round(corners[..., :2].astype(np.float32) * 256) / 256
    expected = slow_picture(rounded, colors, 32)
    np.testing.assert_array_equal(picture[..., :3], expected)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_nearer_surface_hides_the_farther_whatever_the_order(order):
    near, far = rectangle(0, 0, 4, 4, distance=1.0), rectangle(0, 0, 8, 8, distance=2.0)
    corners = np.concatenate([(near, far)[surface] for surface in order])
    frame = frame_of(corners, materials=np.repeat(order, 2))
    picture = drawn(frame, [flat(RED), flat(BLUE)])
    assert picture[1, 1].tolist() == [255, 0, 0, 255]
    assert picture[5, 5].tolist() == [0, 0, 255, 255]


def test_of_two_surfaces_at_one_place_the_first_is_seen():
    both = rectangle(0, 0, 8, 8) + rectangle(0, 0, 8, 8)
    picture = drawn(frame_of(both, materials=[0, 0, 1, 1]), [flat(RED), flat(BLUE)])
    assert (picture == RED_PIXEL).all()


def test_crossing_surfaces_meet_where_they_are_equally_far():
    slanted = [[(0, 0, 0.0), (0, 8, 0.0), (8, 8, 8.0)], [(0, 0, 0.0), (8, 8, 8.0), (8, 0, 8.0)]]
    upright = rectangle(0, 0, 8, 8, distance=4.1)
    picture = drawn(frame_of(slanted + upright, materials=[0, 0, 1, 1]), [flat(RED), flat(GREEN)])
    assert (picture[:, :4] == RED_PIXEL).all()
    assert (picture[:, 4:] == [0, 255, 0, 255]).all()


@pytest.mark.parametrize(("side", "seen"), [(0, True), (FRONT, True), (BACK, False)])
def test_only_the_kept_side_of_a_surface_is_drawn(side, seen):
    frame = frame_of(rectangle(0, 0, 8, 8), kept_sides=[side, side])
    assert covered(drawn(frame, [flat()])).any() == seen


def test_two_samples_a_side_make_a_half_covered_pixel_half_as_strong():
    picture = drawn(frame_of(rectangle(0, 0, 2.5, 8)), [flat((0.0, 0.0, 0.0))], samples=2)
    assert picture[3, :4, 0].tolist() == [0, 0, 128, 255]


def test_a_transparent_background_keeps_colours_whole_and_counts_coverage_as_alpha():
    frame = frame_of(rectangle(0, 0, 2.5, 8))
    picture = drawn(frame, [flat()], samples=2, transparent=True)
    assert picture[3, 1].tolist() == [255, 0, 0, 255]
    assert picture[3, 2].tolist() == [255, 0, 0, 128]
    assert picture[3, 3].tolist() == [255, 255, 255, 0]


def test_a_blended_surface_mixes_with_what_is_behind_it():
    glass = flat(BLUE, alpha=0.25, alpha_mode=AlphaMode.BLEND)
    frame = frame_of(
        rectangle(0, 0, 8, 8, 2.0) + rectangle(0, 0, 4, 8, 1.0), materials=[0, 0, 1, 1], blended=2
    )
    picture = drawn(frame, [flat(RED), glass])
    assert picture[4, 1].tolist() == [191, 0, 64, 255]  # 0.75 x 255, 0.25 x 255
    assert picture[4, 6].tolist() == RED_PIXEL


def test_a_blended_surface_behind_an_opaque_one_is_not_seen():
    glass = flat(BLUE, alpha=0.5, alpha_mode=AlphaMode.BLEND)
    frame = frame_of(
        rectangle(0, 0, 8, 8, 1.0) + rectangle(0, 0, 8, 8, 2.0), materials=[0, 0, 1, 1], blended=2
    )
    assert (drawn(frame, [flat(RED), glass]) == RED_PIXEL).all()


def test_blended_surfaces_lie_over_each_other_in_their_order():
    panes = rectangle(0, 0, 8, 8, 2.0) + rectangle(0, 0, 8, 8, 1.0)
    glass = {"alpha": 0.5, "alpha_mode": AlphaMode.BLEND}
    picture = drawn(
        frame_of(panes, materials=[0, 0, 1, 1], blended=4),
        [flat(RED, **glass), flat(BLUE, **glass)],
        transparent=True,
    )
    # Red at a half, then blue at a half: alpha 3/4, of which red 1/4 and blue 1/2.
    assert picture[4, 4].tolist() == [85, 0, 170, 191]


def test_a_blended_surface_that_writes_depth_hides_later_ones_behind_it():
    panes = rectangle(0, 0, 8, 8, 1.0) + rectangle(0, 0, 8, 8, 2.0)
    glass = {"alpha": 0.5, "alpha_mode": AlphaMode.BLEND}
    for writes, expected in ((True, [255, 128, 128]), (False, [128, 64, 191])):
        materials = [flat(RED, blend_writes_depth=writes, **glass), flat(BLUE, **glass)]
        picture = drawn(frame_of(panes, materials=[0, 0, 1, 1], blended=4), materials)
        np.testing.assert_allclose(picture[4, 4, :3], expected, atol=1)


def test_a_mask_cuts_out_what_is_below_its_cutoff_and_leaves_the_rest_opaque():
    alphas = np.full((1, 4, 4), 255, np.uint8)
    alphas[0, :, 3] = [0, 100, 150, 255]
    texture = Texture("holes", alphas, nearest=True)
    leaf = flat((1.0, 0.0, 0.0), lit_texture=0, alpha_mode=AlphaMode.MASK, alpha_cutoff=0.5)
    uvs = [[(0, 0), (0, 1), (1, 1)], [(0, 0), (1, 1), (1, 0)]]
    picture = drawn(
        frame_of(rectangle(0, 0, 8, 8) + rectangle(0, 0, 8, 8, 1.0), [0, 0, 1, 1], uvs + uvs),
        [leaf, flat(BLUE)],
        textures=[texture],
    )
    assert (picture[:, :4] == [0, 0, 255, 255]).all()  # 100 / 255 < 0.5
    assert (picture[:, 4:] == RED_PIXEL).all()


def test_the_ink_of_a_ball_is_as_wide_as_its_hull_reaches_out():
    # A front-facing disc as the surface, and around it the back faces of a larger one.
    def disc(radius, distance, turn):
        angles = np.linspace(0, 2 * np.pi, 65)[::turn]
        points = [(20 + radius * np.cos(a), 20 + radius * np.sin(a), distance) for a in angles]
        middle = (20, 20, distance)
        return [[middle, a, b] for a, b in pairwise(points)]

    surface, hull = disc(10.0, 0.0, -1), disc(12.5, 1.0, 1)
    frame = frame_of(
        surface + hull,
        materials=[0] * 128,
        kept_sides=[FRONT] * 64 + [BACK] * 64,
        ink=64,
    )
    material = Material("ball", lit_color=RED, unlit=True, outline_color=(0.0, 0.0, 0.0))
    row = drawn(frame, [material], size=40, samples=2)[20, :, 0].astype(float)
    ink_px = (255.0 - row).sum() / 255.0  # red and white both have a full red channel
    assert ink_px == pytest.approx(2 * 2.5, abs=0.3)
    middle = drawn(frame, [material], size=40, samples=2)[20, 20]
    assert middle.tolist() == RED_PIXEL


def test_the_picture_is_the_same_bit_for_bit_for_any_number_of_threads():
    random = np.random.default_rng(1)
    corners = random.uniform(0, 150, (300, 3, 3))
    frame = frame_of(corners, materials=random.integers(0, 3, 300), blended=60)
    glass = flat(GREEN, alpha=0.4, alpha_mode=AlphaMode.BLEND)
    materials = [flat((0.2, 0.5, 0.7)), flat(RED), glass]
    pictures = [drawn(frame, materials, size=150, samples=2, threads=n) for n in (1, 2, 5)]
    assert (pictures[0] == pictures[1]).all()
    assert (pictures[0] == pictures[2]).all()


@pytest.mark.parametrize(
    "corner", [(np.nan, 0.0, 0.0), (np.inf, 0.0, 0.0), (3e7, 5.0, 0.0), (0.0, -1e30, 0.0)]
)
def test_a_triangle_without_a_place_is_left_out(corner):
    frame = frame_of([[corner, (0, 8, 0), (8, 0, 0)]])
    assert not covered(drawn(frame, [flat()])).any()


def test_nothing_to_draw_gives_an_empty_picture():
    picture = drawn(frame_of([[(100, 100, 0), (100, 108, 0), (108, 100, 0)]]), [flat()])
    assert (picture == 255).all()
