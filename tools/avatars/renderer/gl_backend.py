"""Draws a frame by OpenGL through EGL, without a window: the same picture as the processor's.

For machines with a GPU; needs the extra `gl` and an EGL driver.
"""

from __future__ import annotations

import importlib
from itertools import pairwise
from typing import Any

import numpy as np

from tools.avatars.renderer.figure import Figure
from tools.avatars.renderer.gl_shaders import (
    AVERAGING_FRAGMENT_SHADER,
    AVERAGING_VERTEX_SHADER,
    FRAGMENT_SHADER,
    VERTEX_SHADER,
)
from tools.avatars.renderer.rasterizer import BACK, SETUP_DTYPE, SKIPPED, Frame, set_up_triangles
from tools.avatars.renderer.shading import TEXTURE_COLUMNS, light_direction
from tools.avatars.renderer.textures import LEVEL_BIAS, TextureBank
from tools.avatars.scene import AlphaMode, Wrap

_SRGB8_ALPHA8 = 0x8C43
_ABSENT = -1000.0

_VERTEX_DTYPE = np.dtype(
    [
        ("position", np.float32, (3,)),
        ("normal", np.float32, (3,)),
        ("uv", np.float32, (2,)),
        ("tint", np.float32, (4,)),
        ("side", np.float32),
        ("detail", np.float32),
    ]
)


def _create_context() -> Any:
    """A moderngl context on EGL.

    Raises:
        ValueError: there is no moderngl, no EGL or no driver.
    """
    try:
        moderngl: Any = importlib.import_module("moderngl")
        return moderngl.create_context(standalone=True, backend="egl")
    except Exception as error:  # moderngl raises plain Exception
        reason = str(error) or type(error).__name__
        raise ValueError(
            "`backend` gl needs moderngl and an OpenGL driver with EGL. Received: "
            f"{reason[:200]}. Install the extra `gl` and libegl1, or use --backend=cpu."
        ) from error


def _upload(context: Any, bank: TextureBank) -> list[Any]:
    """The bank's textures with all their levels."""
    textures = []
    for entry in bank.textures:
        first, count = int(entry["first_level"]), int(entry["num_levels"])
        levels = bank.levels[first : first + count]
        data = [
            bank.texels[level["first_texel"] :][: int(level["width"]) * int(level["height"])]
            for level in levels
        ]
        size = (int(levels[0]["width"]), int(levels[0]["height"]))
        texture = context.texture(size, 4, data[0].tobytes(), internal_format=_SRGB8_ALPHA8)
        nearest = bool(entry["nearest"])
        if count > 1:
            texture.build_mipmaps(0, count - 1)
            for level, texels in enumerate(data[1:], start=1):
                texture.write(texels.tobytes(), level=level)
        texture.filter = _filters(context, nearest, count > 1)
        # Mirrored coordinates are made in the shader and never leave the picture.
        texture.repeat_x = int(entry["wrap_u"]) == Wrap.REPEAT
        texture.repeat_y = int(entry["wrap_v"]) == Wrap.REPEAT
        textures.append(texture)
    return textures


def _filters(context: Any, nearest: bool, has_levels: bool) -> tuple[int, int]:
    if nearest:
        return context.NEAREST, context.NEAREST
    return (context.LINEAR_MIPMAP_NEAREST if has_levels else context.LINEAR), context.LINEAR


def _vertices(frame: Frame, setups: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """[3 T] _VERTEX_DTYPE of the triangles given by number."""
    corners = frame.triangles[triangles].ravel()
    vertices = np.empty(len(corners), _VERTEX_DTYPE)
    vertices["position"] = frame.positions[corners]
    vertices["normal"] = frame.normals[corners]
    vertices["uv"] = frame.uvs[corners]
    vertices["tint"] = frame.tints[corners]
    vertices["side"] = np.repeat(np.where(setups["side"][triangles] == BACK, -1.0, 1.0), 3)
    vertices["detail"] = np.repeat(setups["detail"][triangles], 3)
    return vertices


def _runs(frame: Frame, triangles: np.ndarray) -> list[tuple[int, int]]:
    """(first, end) places in `triangles` of runs with one material, all ink or all not."""
    keys = frame.materials[triangles].astype(np.int64) * 2 + (
        (triangles >= frame.first_ink) & (triangles < frame.first_blended)
    )
    starts = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist(), len(triangles)]
    return list(pairwise(starts))


class GlPainter:
    """Draws frames of one size on one context.

    Args:
        size_px: (width, height) of the pictures.
        samples_per_pixel: along each side of a pixel.
        transparent: leave the background transparent instead of white.

    Raises:
        ValueError: OpenGL is not to be had.
    """

    def __init__(self, size_px: tuple[int, int], samples_per_pixel: int, transparent: bool) -> None:
        self._size_px, self._scale = size_px, samples_per_pixel
        self._background = (0.0,) * 4 if transparent else (1.0,) * 4
        self._context = context = _create_context()
        width, height = size_px
        samples_size = (width * samples_per_pixel, height * samples_per_pixel)
        self._samples = context.texture(samples_size, 4, dtype="f2")
        self._samples.filter = context.NEAREST, context.NEAREST
        depths = context.depth_renderbuffer(samples_size)
        self._sample_buffer = context.framebuffer([self._samples], depths)
        self._picture_buffer = context.simple_framebuffer(size_px, components=4)
        self._surface = context.program(
            vertex_shader=VERTEX_SHADER, fragment_shader=FRAGMENT_SHADER
        )
        averaging = context.program(
            vertex_shader=AVERAGING_VERTEX_SHADER, fragment_shader=AVERAGING_FRAGMENT_SHADER
        )
        averaging["samples_per_pixel"] = samples_per_pixel
        self._averaging = context.vertex_array(averaging, [])
        self._bank: TextureBank | None = None
        self._textures: list[Any] = []

    def draw(self, figure: Figure, frame: Frame) -> np.ndarray:
        """[height, width, 4] uint8, sRGB, alpha not premultiplied."""
        if self._bank is not figure.bank:
            for texture in self._textures:
                texture.release()
            self._bank, self._textures = figure.bank, _upload(self._context, figure.bank)
        width, height = self._sample_buffer.size
        setups = np.zeros(len(frame.triangles), SETUP_DTYPE)
        set_up_triangles(frame, self._scale, width, height, setups)
        self._sample_buffer.use()
        self._sample_buffer.clear(*self._background, depth=1.0)
        triangles = np.flatnonzero(setups["side"] != SKIPPED)
        if len(triangles):
            self._draw_triangles(figure, frame, setups, triangles)
        self._picture_buffer.use()
        self._context.disable(self._context.DEPTH_TEST | self._context.BLEND)
        self._samples.use(0)
        self._averaging.render(self._context.TRIANGLES, vertices=3)
        data = self._picture_buffer.read(components=4)
        return np.frombuffer(data, np.uint8).reshape(self._size_px[1], self._size_px[0], 4)

    def _draw_triangles(
        self, figure: Figure, frame: Frame, setups: np.ndarray, triangles: np.ndarray
    ) -> None:
        context, program = self._context, self._surface
        vertices = _vertices(frame, setups, triangles)
        depths = vertices["position"][:, 2]
        program["size_px"] = self._size_px
        program["depth_range"] = (float(depths.min()) - 1.0, float(depths.max()) + 1.0)
        program["light"] = tuple(light_direction().tolist())
        program["level_bias"] = LEVEL_BIAS
        buffer = context.buffer(vertices.tobytes())
        names = _VERTEX_DTYPE.names or ()
        array = context.vertex_array(program, [(buffer, "3f 3f 2f 4f 1f 1f", *names)])
        context.enable(context.DEPTH_TEST | context.BLEND)
        context.depth_func = "<"
        context.blend_func = context.ONE, context.ONE_MINUS_SRC_ALPHA
        for first, end in _runs(frame, triangles):
            material = figure.material_table[frame.materials[triangles[first]]]
            is_ink = frame.first_ink <= triangles[first] < frame.first_blended
            self._set_material(material, bool(is_ink))
            self._sample_buffer.depth_mask = bool(
                material["alpha_mode"] != AlphaMode.BLEND or material["blend_writes_depth"]
            )
            array.render(context.TRIANGLES, vertices=3 * (end - first), first=3 * first)
        self._sample_buffer.depth_mask = True
        array.release()
        buffer.release()

    def _set_material(self, material: np.void, is_ink: bool) -> None:
        """Hands one row of the material table to the shader."""
        values: dict[str, Any] = {"is_ink": int(is_ink)}
        for unit, name in enumerate(TEXTURE_COLUMNS):
            values |= {name: unit, f"{name}_size": _ABSENT, f"{name}_mirrors": (0, 0)}
            index = int(material[name])
            if index >= 0 and self._bank is not None:
                entry = self._bank.textures[index]
                values[f"{name}_size"] = float(entry["log2_size"])
                values[f"{name}_mirrors"] = tuple(
                    int(entry[wrap] == Wrap.MIRROR) for wrap in ("wrap_u", "wrap_v")
                )
                self._textures[index].use(unit)
        for name in material.dtype.names or ():
            if name.endswith("_r"):
                color = name[: -len("_r")]
                values[color] = tuple(float(material[f"{color}_{c}"]) for c in "rgb")
            elif "_texture" not in name and name[-2:] not in ("_g", "_b"):
                values[name] = material[name].item()
        for name, value in values.items():
            uniform = self._surface.get(name, None)  # None: the driver found it unused
            if uniform is not None:
                uniform.value = value
