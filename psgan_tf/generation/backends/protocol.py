"""Protocols of what draws characters in poses, and the batches that it is asked for."""

from __future__ import annotations

from typing import Protocol

from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.images.pictures import Pixels
from psgan_tf.keypoints.schema import Keypoints

# Frames of this many pixels are drawn in one call, and no more than so many.
_BATCH_PX = 1 << 21
_BATCH_FRAMES = 16

# The signature of exported models that gives pictures in bytes, and its output.
SIGNATURE, OUTPUT = "images_uint8", "images"


class Painter(Protocol):
    """Draws characters in poses.

    Attributes:
        resolution: R, the pictures' width and height in pixels.
    """

    resolution: int

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""


class GeneratorBackend(Painter, Protocol):
    """Draws with a network.

    Attributes:
        latent_size: Z.
        fingerprint: of the checkpoint that its weights are from.
    """

    latent_size: int
    fingerprint: str


def batches_of(num_frames: int, resolution: int) -> list[range]:
    """The frames that are drawn together.

    A batch begins at the same frames in every job, so that one that goes on draws what an
    uninterrupted one would have drawn.
    """
    size = max(1, min(_BATCH_FRAMES, _BATCH_PX // resolution**2))
    return [range(first, min(first + size, num_frames)) for first in range(0, num_frames, size)]


def without_poses(argument: str, received: str) -> str:
    """The message of an error: a network without poses cannot be animated."""
    return (
        f"`{argument}` must be of a network that takes poses. Received: {received}, one without. "
        "Draw its characters with psgan_tf.generate."
    )
