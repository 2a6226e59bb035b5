"""Cost of an animation: frames per second, and how much of it is not the network.

    python -m tools.benchmark animate --resolution=64 --resolution=1024 --json=animate.json

An untrained network draws noise, which takes H.264 far longer than a character. So the same job
is timed once with the network, and once with skeletons in place of pictures; what reading,
poses and encoding take is that of the second.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import flags

from psgan_tf.common.files import json_text, write_atomically
from psgan_tf.generation.animation import (
    AnimationResult,
    AnimationSpec,
    FrameStyle,
    SkeletonBackend,
    animate,
)
from psgan_tf.generation.backends.protocol import Painter, batches_of
from psgan_tf.generation.pose_sequences import (
    PoseSequence,
    SequenceOptions,
    read_sequence,
    write_sequence,
)
from psgan_tf.generation.pose_spec import PoseSpec
from psgan_tf.images.pictures import to_uint8
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.networks import Generator

tf.get_logger().setLevel("WARNING")

FLAGS = flags.FLAGS

flags.DEFINE_multi_integer("resolution", [64, 256, 1024], "Of the pictures, in pixels.")
flags.DEFINE_integer("frames", 16, "Frames of each animation.", 2)
flags.DEFINE_integer("fmap_base", 8192, "Widths; the paper's by default.")
flags.DEFINE_integer("fmap_max", 512, "Cap on the widths.")
flags.DEFINE_string("ending", ".mp4", "The kind of file.")
flags.DEFINE_string("json", "", "Write the figures to this file as well.")


@dataclass(frozen=True)
class Cost:
    """What a frame costs.

    Attributes:
        resolution: of the pictures, in pixels.
        network_secs, rest_secs: a frame's, in the network and in all else.
    """

    resolution: int
    network_secs: float
    rest_secs: float

    @property
    def fps(self) -> float:
        """Frames a second."""
        return 1.0 / (self.network_secs + self.rest_secs)

    @property
    def rest_share(self) -> float:
        """How much of the time is not the network's."""
        return self.rest_secs * self.fps


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


def timed(
    painter: Painter, pose_spec: PoseSpec, latent_size: int, folder: Path
) -> tuple[float, AnimationResult]:
    """Seconds of the whole job, from the pose file to the film, and what the job said."""
    latents = np.ones([FLAGS.frames, latent_size], np.float32)
    start = time.perf_counter()
    sequence = read_sequence(str(folder / "poses.json"), pose_spec, SequenceOptions(fps=24.0))
    scene = AnimationSpec(pose_spec, sequence, latents, FrameStyle(scale=1), {})
    film = folder / f"film{FLAGS.ending}"
    outcome = animate(scene, painter, [film], lambda line: None, lambda: False)
    return time.perf_counter() - start, outcome


def measure(resolution: int) -> Cost:
    """The cost of a frame at one resolution."""
    network = NetworkConfig(
        resolution=resolution,
        num_keypoints=20,
        keypoint_frame=resolution,
        fmap_base=FLAGS.fmap_base,
        fmap_max=FLAGS.fmap_max,
    )
    painter, pose_spec = UntrainedPainter(network), PoseSpec(SKELETONS["avatar20"], resolution)
    poses = waving(FLAGS.frames, resolution)
    batches = batches_of(FLAGS.frames, resolution)
    for batch in (batches[0], batches[-1]):  # which may be smaller: each size is traced
        latents = np.ones([len(batch), network.latent_size], np.float32)
        painter.draw(latents, poses[: len(batch)])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sequence(folder / "poses.json", PoseSequence("waving", 24.0, poses), pose_spec)
        _, outcome = timed(painter, pose_spec, network.latent_size, folder)
        skeletons = SkeletonBackend(pose_spec, resolution)
        rest_secs, drawn = timed(skeletons, pose_spec, network.latent_size, folder)
    rest_secs -= drawn.network_secs
    return Cost(resolution, outcome.network_secs / FLAGS.frames, rest_secs / FLAGS.frames)


def table(costs: Sequence[Cost]) -> str:
    """The costs as a table of Markdown."""
    lines = [
        "| picture | frames a second | network, s a frame | the rest, s a frame "
        "| share of the rest |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {cost.resolution} x {cost.resolution} | {cost.fps:.2f} | {cost.network_secs:.3f} "
        f"| {cost.rest_secs:.4f} | {cost.rest_share:.1%} |"
        for cost in costs
    ]
    return "\n".join(lines)


def main() -> int:
    """Measures each resolution and prints one table."""
    costs = []
    for resolution in FLAGS.resolution:
        costs.append(measure(resolution))
        print(f"{resolution} px: done", flush=True)
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    print(f"{table(costs)}\n{FLAGS.frames} frames each as {FLAGS.ending}, network on {device}")
    if FLAGS.json:
        document = {
            "device": device,
            "ending": FLAGS.ending,
            "frames": FLAGS.frames,
            "costs": [
                {**asdict(cost), "fps": cost.fps, "rest_share": cost.rest_share} for cost in costs
            ],
        }
        write_atomically(FLAGS.json, json_text(document))
    return 0
