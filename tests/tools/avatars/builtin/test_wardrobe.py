"""The built-in avatar's costumes: complete, distinct, and really hers."""

from functools import lru_cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from psgan_tf.motion.gltf.document import read_gltf
from tools.avatars.builtin.body.body_field import signed_distance
from tools.avatars.builtin.figure import figure_parts
from tools.avatars.builtin.wardrobe import wardrobe
from tools.avatars.builtin.wardrobe.fitting import arm, leg, trunk
from tools.avatars.builtin.wardrobe.looks.look import look
from tools.avatars.builtin.wardrobe.palette import COLORS, tone_of
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.loading.costumes import check_costume, dressed, read_costumes

SIZE_PX = 128
EXTENT_METRES = 1.96


@lru_cache(maxsize=1)
def all_parts():
    return {part.name: part for part in [*figure_parts(), *wardrobe.wardrobe_parts()]}


@lru_cache(maxsize=1)
def document():
    return wardrobe.costume_document()["costumes"]


def silhouette(part):
    """[128 * 128] bool: the part at rest, seen from the front."""
    picture = Image.new("1", (SIZE_PX, SIZE_PX))
    draw = ImageDraw.Draw(picture)
    scale = SIZE_PX / EXTENT_METRES
    places = part.positions[:, :2] * [scale, -scale] + [SIZE_PX / 2, SIZE_PX * 0.96]
    for corners in places[part.triangles].reshape(-1, 6).tolist():
        draw.polygon(corners, fill=1)
    return np.asarray(picture).ravel()


@lru_cache(maxsize=1)
def silhouettes():
    """[costumes, 128 * 128] float32, 0 or 1."""
    drawn = {name: silhouette(part) for name, part in all_parts().items()}
    shown = [costume["show"] for costume in document().values()]
    return np.array(
        [np.any([drawn[name] for name in names], axis=0) for names in shown], np.float32
    )


def pieces(a_look):
    """What can be told apart in a look without its colours."""
    return {*a_look.wear, *wardrobe.hair_of(a_look)[:2]}


def test_there_are_79_costumes_of_different_names():
    names = [a_look.name for a_look in wardrobe.LOOKS]
    assert len(names) == 79
    assert len(set(names)) == 79
    assert list(document()) == names


def test_any_two_costumes_differ_in_two_parts_or_more():
    worn = [pieces(a_look) for a_look in wardrobe.LOOKS]
    for index, one in enumerate(worn):
        for other in worn[:index]:
            assert max(len(one - other), len(other - one)) >= 2


def test_at_least_40_silhouettes_are_pairwise_distinct():
    masks = silhouettes()
    common = masks @ masks.T
    areas = masks.sum(axis=1)
    overlap = common / (areas[:, None] + areas[None, :] - common)
    chosen: list[int] = []
    for index in range(len(masks)):
        if all(overlap[index, other] < 0.95 for other in chosen):
            chosen.append(index)
    assert len(chosen) >= 40


def test_each_costume_covers_her():
    slots = {name: part.slot for name, part in all_parts().items()}
    for costume in document().values():
        worn = {slots[name] for name in costume["show"]}
        assert "dress" in worn or {"top", "bottom"} <= worn


def test_every_part_is_used_by_some_costume():
    used = {name for costume in document().values() for name in costume["show"]}
    unused = {part.name for part in wardrobe.wardrobe_parts()} - used
    assert not unused
    assert {name for name in all_parts() if name.startswith("Hair")} <= used


def test_part_names_are_unique():
    names = [part.name for part in [*figure_parts(), *wardrobe.wardrobe_parts()]]
    assert len(names) == len(set(names))


def test_parts_are_sound_meshes():
    for part in wardrobe.wardrobe_parts():
        assert np.isfinite(part.positions).all(), part.name
        assert part.triangles.max() < len(part.positions), part.name
        assert np.allclose(np.linalg.norm(part.normals, axis=1), 1.0), part.name
        assert np.allclose(part.weights.sum(axis=1), 1.0), part.name


def test_what_a_costume_shows_is_within_budget():
    triangles = {name: len(part.triangles) for name, part in all_parts().items()}
    most = max(sum(triangles[name] for name in costume["show"]) for costume in document().values())
    assert most <= 26_000


def test_the_file_and_its_costumes_are_read_by_the_renderer(builtin_files):
    assert builtin_files.avatar.stat().st_size <= 10_000_000
    surfaces = read_surfaces(read_gltf(builtin_files.avatar))
    costumes = read_costumes(builtin_files.costumes)
    assert [costume.name for costume in costumes] == list(document())
    for costume in costumes:
        check_costume(costume, surfaces)
        shown = {part.mesh_name for part in dressed(surfaces, costume).parts}
        assert shown == set(document()[costume.name]["show"])


@pytest.mark.parametrize(
    ("chart", "low", "high"), [(trunk, 0.80, 1.10), (arm, 0.16, 0.52), (leg, 0.15, 0.70)]
)
def test_charts_end_on_the_skin(chart, low, high):
    along, angle = np.meshgrid(np.linspace(low, high, 9), np.linspace(0, 6.2, 11), indexing="ij")
    points = chart().points(along, angle, chart().reach(along, angle))
    between_the_legs = np.abs(points[..., 0]) < 0.004
    away = signed_distance(points.reshape(-1, 3)).reshape(along.shape)
    assert np.abs(away[~between_the_legs]).max() < 0.004


def test_an_unknown_garment_is_named():
    with pytest.raises(ValueError, match="must name garments"):
        list(wardrobe.garment_colors(look("rome", "Full Bob ink", "blue", toga="white")))


def test_too_many_colours_are_refused():
    with pytest.raises(ValueError, match="at most 2 colours"):
        list(wardrobe.garment_colors(look("x", "Full Bob ink", "blue", tee="red red red")))


def test_shade_and_ink_are_darker_than_the_colour():
    for name in COLORS:
        channels = [
            [int(color[place : place + 2], 16) for place in (1, 3, 5)] for color in tone_of(name)
        ]
        assert all(lit > shade > ink for lit, shade, ink in zip(*channels, strict=True)), name
