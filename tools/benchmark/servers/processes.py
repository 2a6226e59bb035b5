"""Processes for the measurement of serving: a run with random weights, its export, a server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psgan_tf.common.files import write_atomically
from psgan_tf.data.dataset_card import DatasetCard, Split
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.checkpoints import CheckpointStore, new_state
from psgan_tf.training.config import TrainingConfig, to_json
from psgan_tf.training.schedule import build_schedule

MODEL = "benchmark"
_SECS_TO_END = 30


def _write_run(run_dir: Path, resolution: int, fmap_base: int, fmap_max: int) -> None:
    """A run directory at the end of its schedule, with random weights and no data.

    Args:
        run_dir: made here.
        resolution: of the pictures in pixels.
        fmap_base, fmap_max: widths of the networks.
    """
    run_dir.mkdir(parents=True)
    network = NetworkConfig(
        resolution=resolution,
        num_keypoints=SKELETONS["avatar20"].num_keypoints,
        keypoint_frame=1024,
        fmap_base=fmap_base,
        fmap_max=fmap_max,
    )
    config = TrainingConfig(network, "", str(run_dir))
    write_atomically(run_dir / "options.json", to_json(config))
    resolutions = tuple(2**k for k in range(2, resolution.bit_length()))
    no_pictures = {"train": Split(0, (0,), dict.fromkeys(resolutions, ("",)))}
    DatasetCard("random", SKELETONS["avatar20"], 1024, resolutions, no_pictures).save(run_dir)
    state = new_state(network, ema_decay=config.ema_decay)
    schedule = build_schedule(config)
    state.images_shown.assign(schedule.total_images)
    state.phase_index.assign(len(schedule.phases) - 1)
    CheckpointStore(run_dir, state, keep=1).save()


def write_model(model_dir: Path, resolution: int, fmap_base: int, fmap_max: int) -> None:
    """Exports a network with random weights, by the program that users run.

    Args:
        model_dir: folder of the model, which gets version 1; the run is beside it.
        resolution, fmap_base, fmap_max: of the network.

    Raises:
        ValueError: the exporter's last line, where it fails.
    """
    run_dir = model_dir.with_name(f"{model_dir.name}_run")
    _write_run(run_dir, resolution, fmap_base, fmap_max)
    command = [sys.executable, "-m", "export.export_saved_model"]
    command += [f"--run_dir={run_dir}", f"--export_dir={model_dir}", "--warmup_batch_sizes=1"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or ["the export failed"])[-1])


@contextmanager
def server(model_dir: Path, *flags: str) -> Iterator[str]:
    """The local server with a model, as a process of its own; yields its address.

    Args:
        model_dir: the folder of the model's versions.
        flags: further flags of `export.serve`.
    """
    command = [sys.executable, "-m", "export.serve", "--port=0", f"--model_name={MODEL}"]
    process = subprocess.Popen(
        [*command, f"--model_base_path={model_dir}", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = ""
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"gRPC at (\S+)", line)
            address = found[1] if found else address
            if "ready" in line:
                break
        else:
            raise ValueError("The local server did not start: run `python -m export.serve`.")
        yield address
    finally:
        process.terminate()
        process.wait(_SECS_TO_END)
