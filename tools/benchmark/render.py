"""Speed of rendering avatars: whole pictures per second, PNG and file included, and memory.

Each process poses, draws, encodes and writes pictures as `tools.render_avatars` does; starting,
reading and compiling are not counted.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from absl import flags

from psgan_tf.data.conversion.preparation import worker_count
from tools.avatars.dataset.options import BACKENDS, RenderOptions, parse_angles
from tools.avatars.dataset.plan import Block, Shot
from tools.avatars.dataset.render_folder import write_picture
from tools.avatars.dataset.rendering_job import prepare_job
from tools.avatars.dataset.worker import Job, Studio
from tools.benchmark._places import REPOSITORY

FLAGS = flags.FLAGS

_ASSETS = REPOSITORY.parent / "shared" / "avatars"

flags.DEFINE_string("avatar", str(_ASSETS / "models" / "female_mannequin_vrm1.vrm"), "Its file.")
flags.DEFINE_string("motion", str(_ASSETS / "motions" / "m2m_jumping_jacks.bvh"), "Its file.")
flags.DEFINE_integer("size", 1024, "Width and height of the pictures in pixels.")
flags.DEFINE_integer("samples", 2, "Samples along each side of a pixel.")
flags.DEFINE_enum("backend", "cpu", BACKENDS, "What draws.")
flags.DEFINE_integer("pictures", 60, "Pictures that each process makes.", 1)
flags.DEFINE_integer("workers", None, "Processes; by default one a processor.", 1)

_WARM_UP = 3


@dataclass(frozen=True)
class Share:
    """What one process measured.

    Attributes:
        start_secs, end_secs: on the machine's clock.
        picture_bytes: mean length of a picture.
        peak_mib: the process's largest memory.
    """

    start_secs: float
    end_secs: float
    picture_bytes: float
    peak_mib: float


def _measure(job: Job, block: Block, shots: list[Shot], folder: str, ready: float) -> Share:
    """Makes the shots after a warm-up; all processes begin at the time `ready` or later."""
    studio = Studio(job)
    for shot in shots[:_WARM_UP]:
        studio.shoot(block, shot)
    time.sleep(max(0.0, ready - time.time()))
    start_secs, total = time.time(), 0
    for index, shot in enumerate(shots):
        data, _ = studio.shoot(block, shot)
        write_picture(Path(folder) / f"{multiprocessing.current_process().pid}-{index}.png", data)
        total += len(data)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Share(start_secs, time.time(), total / len(shots), peak_kib / 1024)


def measure(options: RenderOptions, pictures: int) -> list[Share]:
    """Runs the processes side by side.

    Args:
        options: the job; its first block's pictures are made over and over.
        pictures: how many each process makes.
    """
    preparation = prepare_job(options, lambda line: None)
    block = preparation.blocks[0]
    shots = [block.shots[index % len(block.shots)] for index in range(pictures)]
    preparation.studio.shoot(block, shots[0])  # compiles before the processes start
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(options.workers, context) as pool,
    ):
        ready = time.time() + 5.0
        shares = [
            pool.submit(_measure, preparation.studio.job, block, shots, folder, ready)
            for _ in range(options.workers)
        ]
        return [share.result() for share in shares]


def main() -> int:
    """Measures and prints one table."""
    options = RenderOptions(
        avatars=(Path(FLAGS.avatar),),
        motions=(FLAGS.motion,),
        output=Path("."),
        size_px=FLAGS.size,
        samples_per_pixel=FLAGS.samples,
        backend=FLAGS.backend,
        poses_per_motion=40,
        yaw=parse_angles("-60:60", "yaw", 360.0),
        have_permission=True,
        workers=FLAGS.workers or worker_count(),
    )
    shares = measure(options, FLAGS.pictures)
    secs = max(s.end_secs for s in shares) - min(s.start_secs for s in shares)
    count = FLAGS.pictures * len(shares)
    print(
        f"{Path(FLAGS.avatar).name}, {FLAGS.size} x {FLAGS.size}, {FLAGS.samples} x "
        f"{FLAGS.samples} samples, backend {FLAGS.backend}, {len(shares)} processes\n"
        f"  {count / secs:.1f} pictures a second ({1000 * secs * len(shares) / count:.0f} ms a "
        f"picture and process, {count} pictures)\n"
        f"  {shares[0].picture_bytes / 1000:.0f} kB a picture\n"
        f"  {max(s.peak_mib for s in shares):.0f} MiB a process at most"
    )
    return 0
