"""Trains PSGAN: `python -m psgan_tf.train --flagfile=avatar.flags --data_dir=... --run_dir=...`.

To go on with a run, give the same command again.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys

# Before TensorFlow is imported: its C++ start-up notices say nothing that a user can act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import flags

from psgan_tf.common import command_line
from psgan_tf.common.processes import StopRequest
from psgan_tf.data.dataset_card import DatasetCard
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.model.config import POSE_MAPS, NetworkConfig
from psgan_tf.training.config import PER_RESOLUTION, TrainingConfig, to_json
from psgan_tf.training.devices import replica_devices, settled_precision
from psgan_tf.training.distributed.cluster import Cluster
from psgan_tf.training.memory_probe import probe
from psgan_tf.training.precision import AUTO
from psgan_tf.training.preflight import check_data, check_init_from, check_same_run
from psgan_tf.training.run import open_run
from psgan_tf.training.schedule import build_schedule, split_over_replicas

# The strategy announces its devices twice; the status lines say what matters.
tf.get_logger().setLevel("WARNING")

FLAGS = flags.FLAGS
_DEFAULTS = {
    field.name: field.default
    for kind in (NetworkConfig, TrainingConfig)
    for field in dataclasses.fields(kind)
}

flags.DEFINE_string("data_dir", "", "Folder of shards that tools/make_tfrecords.py wrote.")
flags.DEFINE_string("run_dir", "", "Folder of the run: checkpoints, samples, logs.")
flags.DEFINE_integer(
    "num_keypoints", None, "M. By default that of the data; 0 trains a plain Progressive GAN."
)
flags.DEFINE_list("pose_resolutions", None, "Scales at which the pose enters. Default: all.")
flags.DEFINE_enum(
    "pose_maps",
    _DEFAULTS["pose_maps"],
    POSE_MAPS,
    "Planes of -1 and 1, as in the paper, or of 0 and --pose_scale times N at N x N.",
)
flags.DEFINE_list("devices", None, "Replicas, such as GPU:0,GPU:1. Default: all GPUs, else CPU.")
flags.DEFINE_boolean("multi_worker", False, "One of several workers, which TF_CONFIG names.")
flags.DEFINE_boolean("dry_run", False, "Print the options and the schedule, and stop.")
flags.DEFINE_boolean(
    "probe_memory", False, "Print what memory each phase takes, by real steps of it, and stop."
)
flags.DEFINE_float(
    "memory_budget_gib", None, "Of --probe_memory: look for a --micro_batch that takes less.", 0.0
)
for _define, _name, _help in (
    (flags.DEFINE_integer, "resolution", "Final picture size in pixels, a power of two."),
    (flags.DEFINE_float, "pose_scale", "Root mean square of an equalized pose plane."),
    (
        flags.DEFINE_integer,
        "limb_points",
        "Points that divide each half of an arm or leg, each with a pose plane of its own.",
    ),
    (flags.DEFINE_integer, "latent_size", "Length of the latent vector."),
    (flags.DEFINE_integer, "fmap_base", "Widths: the block at N has 2 * fmap_base / N maps ..."),
    (flags.DEFINE_integer, "fmap_max", "... but no more than this."),
    (flags.DEFINE_string, "fade_kimg", "Thousands of images of each fade: 600 or 600,1024:900."),
    (flags.DEFINE_string, "stabilize_kimg", "Thousands of images at each resolution fully in."),
    (flags.DEFINE_string, "batch_size", "Global batch, such as 16,256:12,512:5."),
    (
        flags.DEFINE_string,
        "micro_batch",
        "Most pictures that a replica computes at once, such as 512:3,1024:1: less memory, one "
        "update a batch; the minibatch statistic is then that of each part.",
    ),
    (flags.DEFINE_string, "learning_rate", "Of both networks, such as 0.001,128:0.0008."),
    (flags.DEFINE_string, "tick_kimg", "Thousands of images between status lines."),
    (flags.DEFINE_string, "sample_kimg", "Thousands of images between sample grids."),
    (flags.DEFINE_integer, "seed", "Decides weights, data order and noise."),
    (flags.DEFINE_float, "ema_decay", "Decay per step of the generator's moving average."),
    (flags.DEFINE_float, "gradient_penalty_weight", "Lambda of WGAN-GP."),
    (flags.DEFINE_float, "drift_weight", "Weight of the squared scores of the reals."),
    (flags.DEFINE_boolean, "mirror", "Turn pictures at random, left and right swapped."),
    (
        flags.DEFINE_string,
        "precision",
        "float32, bfloat16, or auto: what the hardware is made for.",
    ),
    (flags.DEFINE_boolean, "strict_batch", "Refuse a batch that does not split over replicas."),
    (flags.DEFINE_string, "init_from", "Run whose weights a new run starts with."),
    (flags.DEFINE_float, "checkpoint_minutes", "Longest time between checkpoints."),
    (flags.DEFINE_integer, "keep_checkpoints", "How many checkpoints are kept."),
):
    _default = _DEFAULTS[_name]
    _define(_name, str(_default) if _name in PER_RESOLUTION else _default, _help)


def config_from_flags(card: DatasetCard | None, precision: str) -> TrainingConfig:
    """The run's options from flags; M and the keypoint frame from the data.

    Args:
        card: of the data, or None without data.
        precision: `float32` or `bfloat16`.

    Raises:
        ValueError: when a flag is out of its range or does not fit the data.
    """
    num_keypoints = FLAGS.num_keypoints
    if num_keypoints is None:
        num_keypoints = card.skeleton.num_keypoints if card else _DEFAULTS["num_keypoints"]
    elif card and num_keypoints not in (0, card.skeleton.num_keypoints):
        raise ValueError(
            f"`num_keypoints` must be 0 or the data's {card.skeleton.num_keypoints} "
            f"({card.skeleton.name}). Received: num_keypoints={num_keypoints}. Leave it out."
        )
    try:
        scales = tuple(int(n) for n in FLAGS.pose_resolutions or ())
    except ValueError:
        raise ValueError(
            "`pose_resolutions` must be whole numbers such as 4,8,16. "
            f"Received: {','.join(FLAGS.pose_resolutions)}."
        ) from None
    if FLAGS["pose_scale"].present and FLAGS.pose_maps != "equalized":
        raise ValueError(
            "`pose_scale` must come with --pose_maps=equalized, whose planes it scales. "
            f"Received: pose_scale={FLAGS.pose_scale:g} with pose_maps={FLAGS.pose_maps}."
        )
    shape_flags = (
        "resolution",
        "latent_size",
        "fmap_max",
        "pose_maps",
        "pose_scale",
        "limb_points",
    )
    shape = {name: FLAGS[name].value for name in shape_flags}
    skeleton = card.skeleton if card else SKELETONS["avatar20"]
    if FLAGS.limb_points and num_keypoints and not skeleton.limbs:
        raise ValueError(
            "`limb_points` must be 0 where the data's skeleton names no limbs. Received: "
            f"limb_points={FLAGS.limb_points} with {skeleton.name}. Add limbs to skeleton.json and "
            "convert again."
        )
    network = NetworkConfig(
        num_keypoints=num_keypoints,
        keypoint_frame=card.keypoint_frame if card else FLAGS.resolution,
        fmap_base=FLAGS.fmap_base,
        pose_resolutions=scales or None,
        limbs=skeleton.long_limbs if FLAGS.limb_points and num_keypoints else (),
        **shape,
    )
    own = {field.name for field in dataclasses.fields(TrainingConfig)} - {"network", "precision"}
    options = {name: FLAGS[name].value for name in own}
    return TrainingConfig(network=network, precision=precision, **options)


def check_probe_flags() -> None:
    """Refuses flags that the probe would ignore, or that ask for it without saying so."""
    if FLAGS.probe_memory and FLAGS.multi_worker:
        raise ValueError(
            "`probe_memory` must be asked of one process. Received: --multi_worker. Leave that "
            "out, and give one worker's share as --batch_size."
        )
    if FLAGS.memory_budget_gib is not None and not FLAGS.probe_memory:
        raise ValueError(
            "`memory_budget_gib` must come with --probe_memory, which it is for. "
            f"Received: memory_budget_gib={FLAGS.memory_budget_gib:g} alone. Add --probe_memory."
        )


def main() -> int:
    """Checks everything that can be checked cheaply, then trains."""
    cluster = Cluster.from_environment() if FLAGS.multi_worker else None
    if cluster and FLAGS.devices:
        raise ValueError(
            "`devices` must be left out under --multi_worker: each worker takes all GPUs that it "
            f"sees. Received: {','.join(FLAGS.devices)}. Set CUDA_VISIBLE_DEVICES instead."
        )
    check_probe_flags()
    card = DatasetCard.load(FLAGS.data_dir) if FLAGS.data_dir else None
    precision, reason = settled_precision(FLAGS.precision, FLAGS.run_dir, FLAGS.devices)
    config = config_from_flags(card, precision)
    schedule = build_schedule(config)
    if card:
        check_data(card, config)
    if FLAGS.precision == AUTO:
        print(f"--precision=auto: {precision}, since {reason}", file=sys.stderr)
    if FLAGS.dry_run:
        print(to_json(config) + schedule.table())
        return 0
    if FLAGS.probe_memory:
        for line in probe(config, replica_devices(FLAGS.devices), FLAGS.memory_budget_gib):
            print(line, flush=True)
        return 0
    for name in ("data_dir", "run_dir"):
        if not FLAGS[name].value:
            raise ValueError(f"`{name}` must be given. Received: nothing. Set --{name}=FOLDER.")
    check_same_run(config, card)
    check_init_from(config)
    devices = replica_devices(FLAGS.devices)
    num_workers = cluster.num_workers if cluster else 1
    split_over_replicas(schedule, num_workers * len(devices), config.strict_batch)
    stop = StopRequest()
    complete = False
    with open_run(config, card, devices, stop, cluster) as run:
        if run:
            complete = run.trainer.run(run.store, run.reporter, stop, run.agreed)
            print(run.end_line(complete), flush=True)
        else:
            print("stopped before all workers were there")
    if complete:
        return 0
    # Where another worker was asked to stop, this one ends as if it had been.
    return 128 + (stop.signal or signal.SIGTERM)


if __name__ == "__main__":
    command_line.run(main, "psgan_tf.train")
