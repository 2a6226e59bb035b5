"""Damaged avatars and costume files: a clear ValueError or a picture, never anything else."""

import functools
import json
import random
import signal

import numpy as np
import pytest

from avatars_by_hand import figure_avatar, png
from motion_files_by_hand import FIGURE, humanoid_extension, written
from psgan_tf.motion.gltf.document import read_gltf
from test_motion_fuzz import WATCHDOG_SECS, gltf_mutator, guarded, mutate_json
from tools.avatars.loading.avatar_file import read_surfaces
from tools.avatars.loading.costumes import check_costume, dressed, read_costumes
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure_building import build_figure

__all__ = ["guarded"]  # a fixture: pytest finds it by its name here

MTOON_0 = {
    "name": "hips paint",
    "shader": "VRM/MToon",
    "renderQueue": 2501,
    "floatProperties": {
        "_BlendMode": 3,
        "_CullMode": 0,
        "_Cutoff": 0.4,
        "_OutlineColorMode": 1,
        "_OutlineLightingMix": 0.5,
        "_OutlineWidth": 0.5,
        "_OutlineWidthMode": 1,
        "_RimFresnelPower": 2,
        "_RimLift": 0.1,
        "_ShadeShift": -0.2,
        "_ShadeToony": 0.8,
    },
    "vectorProperties": {
        "_Color": [1, 0.5, 0.5, 0.9],
        "_EmissionColor": [0.1, 0, 0, 1],
        "_MainTex": [0.1, 0.2, 1, 1],
        "_OutlineColor": [0, 0, 0, 1],
        "_RimColor": [0.2, 0.2, 0.2, 1],
        "_ShadeColor": [0.5, 0.3, 0.3, 1],
    },
    "textureProperties": {"_MainTex": 0, "_ShadeTexture": 0, "_SphereAdd": 0},
}
MTOON_1 = {
    "specVersion": "1.0",
    "shadeColorFactor": [0.3, 0.3, 0.4],
    "shadeMultiplyTexture": {"index": 0},
    "shadingToonyFactor": 0.8,
    "outlineWidthMode": "screenCoordinates",
    "outlineWidthFactor": 0.01,
    "outlineWidthMultiplyTexture": {"index": 0},
    "parametricRimColorFactor": [0.1, 0.1, 0.1],
    "matcapTexture": {"index": 0},
    "renderQueueOffsetNumber": 1,
    "transparentWithZWrite": True,
}


def avatar_seed(version):
    """A small skinned, textured VRM file with shapes, expressions and MToon of either version."""
    extensions = humanoid_extension(version)
    builder = figure_avatar(0.08, extensions=extensions, skinned=True)
    document = builder.document
    image = builder.view(png(np.random.default_rng(0).integers(0, 256, (8, 8, 4))))
    document["images"] = [{"bufferView": image, "mimeType": "image/png"}]
    document["samplers"] = [{"wrapS": 33071, "magFilter": 9728}]
    document["textures"] = [{"source": 0, "sampler": 0}]
    first = document["meshes"][0]["primitives"][0]
    vertices = [(0.0, 0.1 * k, 0.0) for k in range(6)]
    first["targets"] = [{"POSITION": builder.accessor(vertices, "VEC3")}]
    first["attributes"] |= {
        "NORMAL": builder.accessor([(0, 0, 1)] * 6, "VEC3"),
        "TEXCOORD_0": builder.accessor([(0.2 * k, 0.5) for k in range(6)], "VEC2"),
        "COLOR_0": builder.accessor([(255, 9, 9, 255)] * 6, "VEC4", 5121, normalized=True),
    }
    base = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0]}}}
    for material in document["materials"][:2]:
        material["pbrMetallicRoughness"]["baseColorTexture"] = base
        material |= {"alphaMode": "MASK", "alphaCutoff": 0.3, "doubleSided": True}
    if version == "0":
        bind = {"mesh": 0, "index": 0, "weight": 50}
        extensions["VRM"]["blendShapeMaster"] = {
            "blendShapeGroups": [{"presetName": "joy", "binds": [bind]}]
        }
        extensions["VRM"]["materialProperties"] = [MTOON_0]
    else:
        bind = {"node": len(FIGURE), "index": 0, "weight": 0.5}
        extensions["VRMC_vrm"]["expressions"] = {"preset": {"happy": {"morphTargetBinds": [bind]}}}
        document["materials"][1]["extensions"] = {"VRMC_materials_mtoon": MTOON_1}
    return builder


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
