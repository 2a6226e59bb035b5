"""Pictures and samplers of glTF files as textures, no larger than asked."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.gltf.document import Gltf
from tools.avatars.scene import Texture, Wrap

# Beyond this many pixels a picture is more likely damaged than detailed.
_MOST_PIXELS = 8192 * 8192

_WRAPS = {33071: Wrap.CLAMP, 33648: Wrap.MIRROR, 10497: Wrap.REPEAT}
_NEAREST = 9728
_PIXEL_LOSS = "must be a picture that can be decoded"


def decode_picture(data: bytes, largest_side_px: int) -> np.ndarray:
    """[H, W, 4] uint8 of an encoded picture, made smaller where a side exceeds the limit.

    Raises:
        ValueError: no picture, a broken one, or one of absurd size.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are checked here
            with Image.open(io.BytesIO(data)) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise ValueError(f"it is {picture.width} x {picture.height} pixels large")
                picture.draft("RGB", (largest_side_px, largest_side_px))
                converted = picture.convert("RGBA")
        converted.thumbnail((largest_side_px, largest_side_px), Image.Resampling.BOX)
    except ValueError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds on broken data
        raise ValueError(str(error)[:120] or type(error).__name__) from error
    return np.asarray(converted)


class TextureReader:
    """Collects the textures that materials use; each is decoded once.

    Args:
        gltf: the file.
        largest_side_px: larger pictures are made smaller.
    """

    def __init__(self, gltf: Gltf, largest_side_px: int) -> None:
        self.textures: list[Texture] = []
        self._gltf = gltf
        self._largest_side_px = largest_side_px
        self._slots: dict[int, int] = {}
        self._pictures: dict[int, np.ndarray] = {}

    def slot(self, value: JsonValue) -> int:
        """The place in `textures` of the glTF texture whose index is `value`."""
        index = value.index_of(self._gltf.items("textures"))
        if index not in self._slots:
            texture = self._read(self._gltf.items("textures")[index])
            self._slots[index] = len(self.textures)
            self.textures.append(texture)
        return self._slots[index]

    def _read(self, entry: JsonValue) -> Texture:
        source = self._source(entry)
        image = source.index_of(self._gltf.items("images"))
        if image not in self._pictures:
            self._pictures[image] = self._decode(image)
        sampler = JsonValue({}, "", entry.source)
        if "sampler" in entry:
            sampler = self._gltf.items("samplers")[
                entry["sampler"].index_of(self._gltf.items("samplers"))
            ]
        name = self._gltf.items("images")[image].get("name").raw
        return Texture(
            name=name if isinstance(name, str) else f"image{image}",
            pixels=self._pictures[image],
            wrap_u=_WRAPS.get(sampler.get("wrapS", 10497).integer(), Wrap.REPEAT),
            wrap_v=_WRAPS.get(sampler.get("wrapT", 10497).integer(), Wrap.REPEAT),
            nearest=sampler.get("magFilter", 0).integer() == _NEAREST,
        )

    def _source(self, entry: JsonValue) -> JsonValue:
        extensions = entry.get("extensions", {})
        if "EXT_texture_webp" in extensions:
            return extensions["EXT_texture_webp"]["source"]
        if "source" not in entry and len(extensions.members()):
            names = ", ".join(extensions.members())
            raise entry.error(
                f"must have a picture as PNG, JPEG or WebP; the extension {names} cannot be read",
                "no other source",
            )
        return entry["source"]

    def _decode(self, image: int) -> np.ndarray:
        try:
            return decode_picture(self._gltf.image_bytes(image), self._largest_side_px)
        except ValueError as error:
            if "Received" in str(error):
                raise
            raise self._gltf.items("images")[image].error(_PIXEL_LOSS, str(error)) from error
