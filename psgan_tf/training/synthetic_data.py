"""Pictures and poses of noise, where a step is to be measured and there are no shards."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from psgan_tf.model.config import NetworkConfig


class SyntheticData:
    """Stands in for shards: pictures and poses of noise, the same at each call.

    Args:
        network: the networks' shape.
        batch_size: of a step.
        resolution: of the pictures in pixels.
    """

    def __init__(self, network: NetworkConfig, batch_size: int, resolution: int):
        rng = np.random.default_rng(0)
        shape = [batch_size, resolution, resolution, 3]
        self._poses = np.ones([batch_size, network.num_keypoints, 3], np.float32)
        self._poses[..., :2] = rng.uniform(0, network.keypoint_frame, (*self._poses.shape[:2], 2))
        self._images = rng.integers(0, 256, shape, np.uint8)

    def keypoint_table(self) -> np.ndarray:
        """Poses for the generator's step: [B, M, 3] float32."""
        return self._poses

    def batch(self) -> tuple[tf.Tensor, tf.Tensor]:
        """One batch: images [B, N, N, 3] uint8 and poses [B, M, 3] float32."""
        return tf.constant(self._images), tf.constant(self._poses)
