"""Cutting figures out of white: hand-made pictures, and renders whose transparency is known."""

import numpy as np
import pytest
from PIL import Image

from psgan_tf.images.matting import connected_to_edge, cut_out
from psgan_tf.video.frames import over_white
from run_programs import run
from shared_assets import shared_path

RED = (200, 40, 60)


def disc_on_white(size=64, colour=RED, samples=8):
    """A disc with soft edges over white, and its true alpha."""
    fine = (np.mgrid[: size * samples, : size * samples] + 0.5) / samples
    inside = ((fine - size / 2) ** 2).sum(axis=0) < (size / 3) ** 2
    alpha = inside.reshape(size, samples, size, samples).mean(axis=(1, 3))
    picture = alpha[..., None] * np.array(colour) + (1 - alpha[..., None]) * 255
    return np.rint(picture).astype(np.uint8), alpha


def test_a_soft_edge_is_found_again_and_its_colour_is_the_figure_s():
    picture, alpha = disc_on_white()
    found = cut_out(picture)
    edge = (alpha > 0.2) & (alpha < 0.95)
    assert np.abs(found[..., 3] / 255 - alpha).max() < 0.1  # nearly white pixels count as paper
    assert np.abs(found[edge, 3] / 255 - alpha[edge]).max() < 0.01
    assert np.abs(found[edge, :3].astype(int) - RED).max() <= 5


def test_laid_over_white_it_is_the_picture_again():
    rng = np.random.default_rng(0)
    picture, alpha = disc_on_white()
    picture[alpha == 1] = rng.integers(0, 256, [int((alpha == 1).sum()), 3])
    found = cut_out(picture)
    shown = found[..., 3] > 0
    assert np.abs(over_white(found)[shown].astype(int) - picture[shown]).max() <= 1
    assert (picture[~shown] >= 236).all()


def test_white_within_the_figure_stays_unless_it_is_asked_for():
    picture = np.full([20, 20, 3], 255, np.uint8)
    picture[4:16, 4:16] = RED
    picture[8:12, 8:12] = 255
    assert (cut_out(picture)[8:12, 8:12] == 255).all()
    cleared = cut_out(picture, clear_gaps=True)[..., 3]
    assert (cleared[8:12, 8:12] == 0).all()
    assert (cleared[4:16, 4:8] == 255).all()


def test_a_picture_of_nothing_is_all_transparent_and_a_full_one_all_opaque():
    assert (cut_out(np.full([8, 8, 3], 250, np.uint8))[..., 3] == 0).all()
    full = np.full([8, 8, 3], 90, np.uint8)
    np.testing.assert_array_equal(cut_out(full), np.dstack([full, np.full([8, 8], 255)]))


def flooded(free):
    """Pixel by pixel from the edge: what the quick way must find."""
    height, width = free.shape
    reached = np.zeros_like(free)
    waiting = [
        (y, x)
        for y in range(height)
        for x in range(width)
        if (y in (0, height - 1) or x in (0, width - 1))
    ]
    while waiting:
        y, x = waiting.pop()
        if 0 <= y < height and 0 <= x < width and free[y, x] and not reached[y, x]:
            reached[y, x] = True
            waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return reached


@pytest.mark.parametrize("share", [0.3, 0.6, 0.7, 1.0])
def test_what_reaches_the_edge_is_what_a_flood_reaches(share):
    rng = np.random.default_rng(int(share * 10))
    for _ in range(20):
        free = rng.random([17, 23]) < share
        np.testing.assert_array_equal(connected_to_edge(free), flooded(free))


def test_a_rendered_avatar_is_cut_out_close_to_its_true_transparency(tmp_path):
    status, printed = run(
        "tools.render_avatars",
        f"--avatar={shared_path('avatars/models/godette_vrm0.vrm')}",
        f"--motion={shared_path('avatars/motions/victory_fk.vmd')}",
        *("--size=256", "--samples=2", "--poses_per_motion=3", "--workers=1"),
        *("--background=transparent", f"--output={tmp_path}"),
    )
    assert status == 0, printed
    paths = sorted(tmp_path.glob("images/*/*.png"))
    assert len(paths) == 3
    for path in paths:
        truth = np.asarray(Image.open(path).convert("RGBA"))
        found = cut_out(over_white(truth), least_white=250)
        error = np.abs(found[..., 3].astype(int) - truth[..., 3]) / 255
        figure = (truth[..., 3] > 0).mean()
        assert error.mean() < 0.03 * figure  # mostly her white socks
