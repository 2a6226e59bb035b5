"""Damaged avatars and costume files: a clear ValueError or a picture, never anything else."""

import functools
import json
import random
import signal

import numpy as np
import pytest

from avatars_by_hand import avatar_seed
from file_mutations import WATCHDOG_SECS, gltf_mutator, mutate_json
from motion_files_by_hand import written
from psgan_tf.motion.gltf.document import read_gltf
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.loading.costumes import check_costume, dressed, read_costumes
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure_building import build_figure

COSTUMES = {
    "costumes": {
        "night": {
            "hide": ["balls"],
            "show": ["*paint"],
            "materials": {
                "h*": {
                    "hue_degrees": 90,
                    "saturation": 0.5,
                    "brightness": 1.2,
                    "only_hues_degrees": [300, 60],
                    "color": "#336699",
                    "shade_color": "#102030",
                    "outline_color": "#000000",
                }
            },
            "expression": {"happy": 0.5},
        }
    }
}


def draw_avatar(path):
    gltf = read_gltf(path)
    surfaces = read_surfaces(gltf, largest_texture_px=64)
    figure = build_figure(surfaces, dict.fromkeys(surfaces.expressions, 1.0))
    pixels = np.diag([12.0, -12.0, -12.0, 1.0])
    pixels[:2, 3] = 16, 28
    with np.errstate(all="ignore"):  # a node may scale beyond float32: it is then not drawn
        frame = figure.posed(gltf.world_matrices(), pixels, 32)
    picture = draw_on_cpu(frame, figure.material_table, figure.bank, (32, 32))
    assert (picture[..., 3] == 255).all()
    return picture


@functools.cache
def whole_avatar(path):
    return read_surfaces(read_gltf(path))


def dress_avatar(path):
    surfaces = whole_avatar(path.parent / "figure.vrm")
    for costume in read_costumes(path):
        check_costume(costume, surfaces)
        build_figure(dressed(surfaces, costume), costume.expression)


def mutated_costumes(_, draw):
    document = json.loads(json.dumps(COSTUMES))
    for _ in range(draw.choice([1, 1, 2])):
        mutate_json(document, draw)
    return json.dumps(document).encode()


def cases():
    old, mutate_old = gltf_mutator(avatar_seed("0"))
    new, mutate_new = gltf_mutator(avatar_seed("1"))
    return {
        "vrm_0": (old, mutate_old, draw_avatar),
        "vrm_1": (new, mutate_new, draw_avatar),
        "costumes": (json.dumps(COSTUMES).encode(), mutated_costumes, dress_avatar),
    }


CASES = cases()


@pytest.fixture
def folder(tmp_path):
    """Where the damaged files lie, beside a whole avatar that costumes are for."""
    written(tmp_path, "figure.vrm", CASES["vrm_1"][0])
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_the_unharmed_file_is_read(folder, name):
    good, _, read = CASES[name]
    read(written(folder, "case.json", good))


def run_campaign(folder, name, count, seed):
    """Number of mutated files that were refused."""
    good, mutate, read = CASES[name]
    path, refused = folder / "case.json", 0
    for number in range(count):
        path.write_bytes(mutate(good, random.Random(f"{name}-{seed}-{number}")))
        signal.alarm(WATCHDOG_SECS)
        message = None
        try:
            read(path)
        except ValueError as error:
            refused += 1
            message = str(error)
        except Exception as error:
            kept = written(folder, f"failed-{number}", path.read_bytes())
            raise AssertionError(f"{type(error).__name__}: {error} for {kept}") from error
        assert message is None or "Received" in message, f"unclear: {message}"
    return refused


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_refused_clearly_or_drawn(folder, guarded, name):
    assert run_campaign(folder, name, 120, "short") >= 12  # the mutations do hurt


@pytest.mark.soak
@pytest.mark.parametrize("name", CASES)
def test_ten_thousand_damaged_files_are_refused_clearly_or_drawn(folder, guarded, name):
    run_campaign(folder, name, 10_000, "long")
