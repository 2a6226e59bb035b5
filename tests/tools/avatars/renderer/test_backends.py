"""Where kernels are kept, and the OpenGL picture beside the processor's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from avatars_by_hand import BLUE, GREEN, flat, frame_of, rectangle
from psgan_tf.motion.camera import Camera
from run_programs import REPOSITORY
from shared_assets import shared_path
from tools.avatars.loading.avatar import load_avatar
from tools.avatars.renderer import jit
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.figure_building import build_figure
from tools.avatars.renderer.gl_backend import GlPainter
from tools.avatars.renderer.shading import build_material_table
from tools.avatars.renderer.textures import build_texture_bank
from tools.avatars.scene import AlphaMode, Material, Texture, Wrap

SIZE_PX = 256


def gl_painter(transparent=False, size_px=(SIZE_PX, SIZE_PX)):
    try:
        return GlPainter(size_px, 2, transparent)
    except ValueError as error:
        pytest.skip(f"no OpenGL here: {error}")


class Painted:
    """What a backend needs of a figure."""

    def __init__(self, materials, textures=()):
        self.material_table = build_material_table(tuple(materials))
        self.bank = build_texture_bank(tuple(textures))


def both_pictures(frame, figure, transparent=False):
    on_gl = gl_painter(transparent).draw(figure, frame)
    size_px = (SIZE_PX, SIZE_PX)
    on_cpu = draw_on_cpu(frame, figure.material_table, figure.bank, size_px, 2, transparent)
    return on_gl.astype(int), on_cpu.astype(int)


@pytest.mark.parametrize(
    ("name", "transparent"),
    [("godette_vrm0.vrm", False), ("kaykit_Mage.glb", True), ("human-sintel.glb", False)],
)
def test_opengl_draws_the_same_picture_of_real_avatars(name, transparent):
    avatar = load_avatar(shared_path(f"avatars/models/{name}"))
    figure = build_figure(avatar.surfaces)
    height = figure.posed(avatar.rig.rest_world_matrices, np.eye(4), 1).positions[:, 1].max()
    camera = Camera(SIZE_PX, 0.8 * SIZE_PX / height, yaw_rad=0.5, target=(0, height / 2, 0))
    matrix = camera.matrices(np.zeros((1, 3)))[0] @ avatar.rig.canonical_from_world
    frame = figure.posed(avatar.rig.rest_world_matrices, matrix, SIZE_PX)
    on_gl, on_cpu = both_pictures(frame, figure, transparent)
    assert (on_cpu[..., 3] > 0).mean() > 0.05
    assert np.abs(on_gl - on_cpu).mean() < 0.1  # of 255
    assert (np.abs(on_gl - on_cpu).max(axis=-1) > 16).mean() < 0.001


def test_opengl_masks_blends_wraps_and_shades_alike():
    random = np.random.default_rng(2)
    noise = random.integers(0, 256, (32, 32, 4)).astype(np.uint8)
    textures = [
        Texture("mirrored", noise, Wrap.MIRROR, Wrap.CLAMP),
        Texture("pixels", noise[:5, :7], Wrap.REPEAT, Wrap.MIRROR, nearest=True),
    ]
    toon = {"shade_color": (0.1, 0.2, 0.3), "double_sided": True}
    materials = [
        Material("toon", lit_texture=0, rim_color=(0.2, 0.0, 0.1), matcap_texture=0, **toon),
        Material("mask", lit_texture=1, alpha_mode=AlphaMode.MASK, alpha_cutoff=0.6, **toon),
        Material("glow", emissive_color=(0.5, 0.5, 0.0), emissive_texture=0, **toon),
        flat(BLUE, alpha=0.4, alpha_mode=AlphaMode.BLEND),
        flat(GREEN, alpha=0.7, alpha_mode=AlphaMode.BLEND, blend_writes_depth=True),
    ]
    corners, kinds = [], []
    for kind in (0, 1, 2, 0, 2, 4, 3, 3, 4):
        left, top = random.uniform(0, 150, 2)
        corners += rectangle(left, top, left + 100, top + 100, random.uniform(0, 10))
        kinds += [kind, kind]
    normals = random.normal((0.0, 0.0, 1.5), 1.0, (3 * len(corners), 3))
    uvs = random.uniform(-2, 3, (3 * len(corners), 2))
    frame = frame_of(corners, kinds, uvs, blended=8, ink=2, normals=normals)
    on_gl, on_cpu = both_pictures(frame, Painted(materials, textures), transparent=True)
    difference = np.abs(on_gl - on_cpu)
    assert difference.mean() < 0.5
    assert np.quantile(difference, 0.995) <= 8


def test_one_painter_draws_figures_with_other_textures_one_after_the_other():
    painter = gl_painter(size_px=(8, 8))
    for value in (40, 200):
        pixels = np.full((1, 1, 4), value, np.uint8)
        figure = Painted([flat((1.0, 1.0, 1.0), lit_texture=0)], [Texture("t", pixels)])
        picture = painter.draw(figure, frame_of(rectangle(0, 0, 8, 8)))
        np.testing.assert_allclose(picture[4, 4, :3], value, atol=1)


def run_python(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_without_an_egl_driver_the_error_says_what_to_do(tmp_path):
    pytest.importorskip("moderngl")
    done = run_python(
        "from tools.avatars.renderer.gl_backend import GlPainter\nGlPainter((8, 8), 1, False)",
        __EGL_VENDOR_LIBRARY_DIRS=str(tmp_path),
    )
    assert "`backend` gl needs moderngl and an OpenGL driver" in done.stderr


def test_compiled_kernels_lie_in_the_users_cache(tmp_path):
    program = "from tools.avatars.renderer import jit; print(jit.compiled_code_folder())"
    done = run_python(program, XDG_CACHE_HOME=str(tmp_path))
    assert Path(done.stdout.strip()).parent == tmp_path / "psgan_tf"


def test_where_nothing_can_be_written_kernels_are_compiled_without_keeping_them(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    # A file stands where both folders would be made: not even root can write there.
    program = (
        f"import tempfile; tempfile.tempdir = {str(blocked)!r}\n"
        "from tools.avatars.renderer import jit\n"
        "from tools.avatars.renderer.rasterizer import corners_of\n"
        "print(jit.compiled_code_folder(), type(corners_of._cache).__name__)"
    )
    done = run_python(program, XDG_CACHE_HOME=str(blocked), NUMBA_CACHE_DIR="")
    assert done.stdout.split() == ["None", "NullCache"], done.stderr


def test_every_file_with_a_kernel_decides_which_compiled_code_is_taken():
    hashed = set(jit.kernel_files())
    decorated = re.compile(r"^@(inlined_)?kernel$", re.MULTILINE)
    users = {
        path for path in (REPOSITORY / "tools").rglob("*.py") if decorated.search(path.read_text())
    }
    assert users <= hashed
    assert {"textures.py", "shading.py", "rasterizer.py", "cpu_backend.py", "jit.py"} <= {
        path.name for path in hashed
    }


def test_a_kernel_of_another_folder_changes_the_digest(tmp_path, monkeypatch):
    before = jit._source_digest()
    monkeypatch.setattr(jit, "_AVATAR_TOOLS", tmp_path)
    (tmp_path / "deep").mkdir()
    kernels = tmp_path / "deep" / "kernels.py"
    digests = {before}
    for text in ("", "1", "2"):
        kernels.write_text(f"from {jit.__name__} import kernel\n{text}")
        digests.add(jit._source_digest())
    assert len(digests) == 4
