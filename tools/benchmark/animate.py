"""What an animation costs: frames a second, and how much of it is not the network.

python -m tools.benchmark animate --resolution=1024 --frames=8

An untrained network draws noise, which takes H.264 far longer than a character. So the same job
is timed once with the network, and once with skeletons in place of pictures; what reading,
poses and encoding take is that of the second.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import flags

from psgan_tf.animation import Look, Outcome, Painter, Scene, SkeletonPainter, animate
from psgan_tf.config import NetworkConfig
from psgan_tf.networks import Generator
from psgan_tf.pose_sequences import PoseSequence, SequenceOptions, read_sequence, write_sequence
from psgan_tf.reporting import to_uint8
from psgan_tf.skeleton import SKELETONS
from psgan_tf.stage import Stage

tf.get_logger().setLevel("WARNING")

FLAGS = flags.FLAGS

flags.DEFINE_integer("resolution", 64, "Of the pictures, in pixels.")
flags.DEFINE_integer("frames", 48, "Frames of the animation.", 2)
flags.DEFINE_integer("fmap_base", 8192, "Widths; the paper's by default.")
flags.DEFINE_integer("fmap_max", 512, "Cap on the widths.")
flags.DEFINE_string("ending", ".mp4", "The kind of file.")


class UntrainedPainter:
    """Draws with a network as it is before training, which costs as much as after.

    Args:
        network: its shape.
    """

    def __init__(self, network: NetworkConfig) -> None:
        self.resolution = network.resolution
        generator = Generator(network)
        self._call = tf.function(
            lambda latents, keypoints: generator(
                latents, keypoints=keypoints, resolution=network.resolution
            ),
            reduce_retracing=True,
        )

    def draw(self, latents, keypoints):
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        return to_uint8(self._call(tf.constant(latents), tf.constant(keypoints)).numpy())


def waving(num_frames: int, size_px: int) -> np.ndarray:
    """[F, 20, 3] keypoints that go round circles within the frame."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0.3, 0.7, [20, 2]) * size_px
    angles = np.linspace(0, 2 * np.pi, num_frames)[:, None] + rng.uniform(0, 6, 20)
    circles = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * 0.2 * size_px
    return np.concatenate([centres + circles, np.ones([num_frames, 20, 1])], -1).astype(np.float32)


def timed(painter: Painter, network: NetworkConfig, folder: Path) -> tuple[float, Outcome]:
    """Seconds of the whole job, from the pose file to the film, and what the job said."""
    stage = Stage(SKELETONS["avatar20"], network.resolution)
    latents = np.ones([FLAGS.frames, network.latent_size], np.float32)
    start = time.perf_counter()
    sequence = read_sequence(str(folder / "poses.json"), stage, SequenceOptions(fps=24.0))
    scene = Scene(stage, sequence, latents, Look(scale=1), {})
    film = folder / f"film{FLAGS.ending}"
    outcome = animate(scene, painter, [film], lambda line: None, lambda: False)
    return time.perf_counter() - start, outcome


def main() -> int:
    """Measures one resolution and prints a line."""
    network = NetworkConfig(
        resolution=FLAGS.resolution,
        num_keypoints=20,
        keypoint_frame=FLAGS.resolution,
        fmap_base=FLAGS.fmap_base,
        fmap_max=FLAGS.fmap_max,
    )
    painter = UntrainedPainter(network)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        poses = PoseSequence("waving", 24.0, waving(FLAGS.frames, FLAGS.resolution))
        write_sequence(folder / "poses.json", poses, Stage(SKELETONS["avatar20"], FLAGS.resolution))
        timed(painter, network, folder)  # traces the network
        _, outcome = timed(painter, network, folder)
        rest_secs, skeletons = timed(
            SkeletonPainter(Stage(SKELETONS["avatar20"], FLAGS.resolution), FLAGS.resolution),
            network,
            folder,
        )
    rest_secs -= skeletons.network_secs
    secs = outcome.network_secs + rest_secs
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(
        f"{FLAGS.resolution} px on {device}: {FLAGS.frames / secs:.2f} frames a second as "
        f"{FLAGS.ending}; network {outcome.network_secs / FLAGS.frames:.4f} s a frame, the rest "
        f"{rest_secs / FLAGS.frames:.4f} s ({rest_secs / secs:.1%})"
    )
    return 0
