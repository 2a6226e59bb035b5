"""MP4 (H.264) and WebM (VP9, with transparency), frame by frame through PyAV.

No frame is kept, so films may be of any length. PyAV and its encoders are optional.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from psgan_tf.video.frames import (
    Frame,
    ShapeCheck,
    move_into_place,
    over_white,
    temporary_name,
)

# BT.709 in every place where a file can say so: untagged small films are read as BT.601.
_BT709 = 1
_LIMITED_RANGE = 1


@dataclass(frozen=True)
class Encoding:
    """How one kind of film is encoded.

    Attributes:
        container: FFmpeg's name of the file format.
        encoder: FFmpeg's name of the encoder.
        pixels, pixels_with_alpha: pixel format of frames without and with transparency; None
            where the kind has none, and frames are laid over white.
        options, container_options: FFmpeg's options.
    """

    container: str
    encoder: str
    pixels: str
    pixels_with_alpha: str | None
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


ENCODINGS = {
    # crf: constant quality, 18 is near to what the eye can tell; faststart: plays while it loads.
    ".mp4": Encoding(
        "mp4",
        "libx264",
        "yuv420p",
        None,
        {"crf": "18", "preset": "medium"},
        {"movflags": "+faststart"},
    ),
    ".webm": Encoding(
        "webm",
        "libvpx-vp9",
        "yuv420p",
        "yuva420p",
        {"crf": "20", "b": "0", "cpu-used": "4", "row-mt": "1"},
    ),
}


def load_encoder(ending: str) -> ModuleType:
    """PyAV, known to have the encoder of that kind of film.

    Raises:
        ValueError: PyAV is not installed, or lacks the encoder.
    """
    remedy = (
        "Install PyAV's wheel, which has it, with `pip install 'psgan_tf[video]'`, or write "
        ".gif, .webp, .apng or a folder of PNGs, which need nothing more."
    )
    try:
        import av
    except ImportError:
        raise ValueError(f"`output` {ending} needs PyAV. Received: no PyAV. {remedy}") from None
    encoder = ENCODINGS[ending].encoder
    try:
        av.codec.Codec(encoder, "w")
    except ValueError:
        raise ValueError(
            f"`output` {ending} needs the encoder {encoder}. "
            f"Received: PyAV {av.__version__} without it. {remedy}"
        ) from None
    return av


def _even(frame: Frame) -> Frame:
    """A frame of even width and height, as half-size colour needs: the last line is repeated."""
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


class EncodedWriter:
    """Writes MP4 or WebM; a film says nothing of looping, players do.

    Args:
        path: where the film is to lie; it is made beside.
        ending: a key of ENCODINGS.
        fps: frames a second.

    Raises:
        ValueError: the encoder is missing.
        OSError: the folder cannot be written to.
    """

    def __init__(self, path: Path, ending: str, fps: float) -> None:
        self._av = load_encoder(ending)
        self._encoding = ENCODINGS[ending]
        self._rate = Fraction(fps).limit_denominator(1001)
        self._temporary = temporary_name(path)
        self._check = ShapeCheck()
        self._stream: Any = None
        self._container = self._av.open(
            str(self._temporary),
            "w",
            format=self._encoding.container,
            container_options=self._encoding.container_options,
        )

    def add(self, frame: Frame) -> None:
        """Encodes the next frame."""
        frame = self._check.check(frame)
        if self._encoding.pixels_with_alpha is None:
            frame = over_white(frame)
        frame = _even(frame)
        if self._stream is None:
            self._stream = self._add_stream(frame)
        plain = "rgb24" if frame.shape[2] == 3 else "rgba"
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format=plain)
        converted = picture.reformat(
            format=self._stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        self._container.mux(self._stream.encode(converted))

    def _add_stream(self, frame: Frame) -> Any:
        encoding = self._encoding
        stream = self._container.add_stream(encoding.encoder, rate=self._rate)
        stream.height, stream.width = frame.shape[:2]
        has_alpha = frame.shape[2] == 4 and encoding.pixels_with_alpha is not None
        stream.pix_fmt = encoding.pixels_with_alpha if has_alpha else encoding.pixels
        stream.options = dict(encoding.options)
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def finish(self, path: Path) -> Path:
        """Ends the film and puts it in its place."""
        if self._stream is None:
            raise ValueError("`frames` must hold at least one frame. Received: none.")
        self._container.mux(self._stream.encode(None))
        self._container.close()
        move_into_place(self._temporary, path)
        return path

    def abandon(self) -> None:
        """Removes the unfinished film."""
        try:
            self._container.close()
        except OSError:
            pass  # what cannot be ended is removed all the same
        finally:
            self._temporary.unlink(missing_ok=True)
