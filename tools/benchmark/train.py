"""What a training step costs: seconds an image and peak memory, at any stage, on random data.

python -m tools.benchmark train --resolution=1024 --batch=2
"""

from __future__ import annotations

import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import flags

from psgan_tf.checkpoints import new_state
from psgan_tf.config import NetworkConfig, TrainingConfig
from psgan_tf.cost import step_multiplications
from psgan_tf.reporting import peak_memory_gib
from psgan_tf.schedule import Schedule, build_schedule
from psgan_tf.trainer import Trainer

tf.get_logger().setLevel("WARNING")

FLAGS = flags.FLAGS

flags.DEFINE_integer("resolution", 64, "Of the stage, in pixels.")
flags.DEFINE_integer("batch", 16, "Pictures of a step.", 1)
flags.DEFINE_integer("num_keypoints", 20, "M.", 0)
flags.DEFINE_integer("fmap_base", 8192, "Widths; the paper's by default.")
flags.DEFINE_integer("fmap_max", 512, "Cap on the widths.")
flags.DEFINE_boolean("fading", True, "A fading stage, the dearer one.")
flags.DEFINE_string("precision", "float32", "float32 or bfloat16.")
flags.DEFINE_integer("steps", 3, "Steps that are counted.", 1)


class RandomData:
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


def stage_schedule(config: TrainingConfig, fading: bool) -> Schedule:
    """Only the phase of the final resolution, with or without a fade."""
    phases = build_schedule(config).phases
    chosen = [p for p in phases if p.resolution == config.network.resolution and p.fading == fading]
    if not chosen:
        raise ValueError("`fading` must be off at 4 x 4. Received: fading. Add --nofading.")
    return Schedule((chosen[0],))


def main() -> int:
    """Measures one stage and prints a line."""
    network = NetworkConfig(
        resolution=FLAGS.resolution,
        num_keypoints=FLAGS.num_keypoints,
        keypoint_frame=FLAGS.resolution,
        fmap_base=FLAGS.fmap_base,
        fmap_max=FLAGS.fmap_max,
    )
    config = TrainingConfig(network, "", "", batch_size=str(FLAGS.batch), precision=FLAGS.precision)
    schedule = stage_schedule(config, FLAGS.fading)
    phase = schedule.phases[0]
    strategy = tf.distribute.MirroredStrategy(
        [device.name for device in tf.config.list_logical_devices("GPU")] or ["CPU:0"]
    )
    with strategy.scope():
        state = new_state(network, ema_decay=config.ema_decay, dtype=config.dtype_policy)
    data = RandomData(network, FLAGS.batch, FLAGS.resolution)
    trainer = Trainer(config, schedule, data, strategy, state)
    batch = data.batch()
    secs = []
    for _ in range(FLAGS.steps + 1):
        stage = schedule.stage_at(phase.start_images)
        start = time.perf_counter()
        measures = trainer.step(stage, batch)
        loss = float(measures["generator_loss"])
        secs.append(time.perf_counter() - start)
    if not np.isfinite(loss):
        raise ValueError("the step's loss is not finite: its time says nothing")
    median = statistics.median(secs[1:])
    gflop = 2e-9 * FLAGS.batch * step_multiplications(network, FLAGS.resolution)
    print(
        f"{phase.name}, batch {FLAGS.batch}, M = {FLAGS.num_keypoints}, {FLAGS.precision}: "
        f"median of {FLAGS.steps} steps {median:.2f} s, {median / FLAGS.batch:.3f} s an image, "
        f"{gflop / median:.0f} GFLOP/s; the first step, tracing included, {secs[0]:.1f} s; "
        f"peak memory {peak_memory_gib():.1f} GiB"
    )
    return 0
