"""Grids of sample pictures: fixed poses in columns, fixed seeds in rows."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from psgan_tf.data.input_pipeline import TrainingData
from psgan_tf.images.contact_sheets import grid
from psgan_tf.images.pictures import resized, to_uint8
from psgan_tf.keypoints.drawing import skeleton_picture
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.latents import latents_from_seeds
from psgan_tf.model.networks import Generator
from psgan_tf.model.weights import load_weights
from psgan_tf.training.checkpoints import TrainingState
from psgan_tf.training.schedule import GrowthState

# Width and height that a sample grid should not exceed by much, and the least size of a picture.
_GRID_PX = 2048
_LEAST_CELL_PX = 64


class SampleGrid:
    """Fixed poses in columns: the real picture, its skeleton, then a row for each fixed seed.

    Args:
        data: where poses and real pictures come from.
        network: the networks' shape.
    """

    def __init__(self, data: TrainingData, network: NetworkConfig):
        self._data = data
        self._network = network
        # A generator of its own: the averaged weights never enter the one that is trained.
        self._generator = Generator(network)

    def draw(self, state: TrainingState, growth: GrowthState) -> np.ndarray:
        """The grid at a state of growth: [H, W, 3] uint8."""
        resolution = growth.phase.resolution
        cell = max(resolution, _LEAST_CELL_PX)
        columns = min(max(_GRID_PX // cell, 2), 6)
        seeds = min(max(_GRID_PX // cell - 2, 2), 6)
        load_weights(self._generator, state.averaged_weights())
        latents = latents_from_seeds(tf.range(seeds, dtype=tf.int64), self._network.latent_size)
        alpha = tf.constant(growth.alpha) if growth.phase.fading else None
        card = self._data.card
        skeleton = card.skeleton if self._network.num_keypoints else None
        shown = []
        for image, keypoints in self._data.first_examples(resolution, columns):
            poses = np.repeat(keypoints[None], seeds, axis=0)
            drawn = self._generator(latents, keypoints=poses, resolution=resolution, alpha=alpha)
            pose = skeleton_picture(keypoints, skeleton, card.keypoint_frame, cell)
            shown.append([resized(picture, cell) for picture in (image, pose, *to_uint8(drawn))])
        return grid(list(zip(*shown, strict=True)))
