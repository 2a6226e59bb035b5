"""The table of what each stage takes: real processes, one of them killed, and what is proposed."""

import itertools
import os
import re
import signal
from pathlib import Path

import pytest

from psgan_tf.training.memory_probe import PhaseMemory, measure_phases, recommend_micro_batch
from psgan_tf.training.schedule import build_schedule
from run_programs import PATIENCE_SECS, start, wait_for
from tiny_data import tiny_config

TINY = ("--latent_size=8", "--fmap_base=64", "--fmap_max=8", "--num_keypoints=3")
ROW = r"\s+{phase}\s+{batch}\s+{micro}\s+(\d+\.\d\d)\s+(\d+\.\d\d\d)\s+\d+\.\d\d"


def row(phase, batch, micro="-"):
    return ROW.format(phase=phase, batch=batch, micro=micro)


def worker_of(process):
    """The process that measures a stage just now, if there is one."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            is_child = f"\nPPid:\t{process.pid}\n" in status.read_text()
            if is_child and b"spawn_main" in status.with_name("cmdline").read_bytes():
                return int(status.parent.name)
        except OSError:  # ended meanwhile
            continue
    return None


def test_a_stage_whose_process_is_killed_does_not_fit_and_a_smaller_part_is_tried():
    schedule = ("--fade_kimg=0", "--batch_size=6,8:5", "--micro_batch=8:3", "--mirror")
    process = start(
        "psgan_tf.train", *TINY, "--resolution=8", *schedule, "--probe_memory",
        "--memory_budget_gib=1000",
    )  # fmt: skip
    lines = [process.stdout.readline() for _ in range(2)]
    assert lines[0].split()[:3] == ["phase", "batch", "micro"]
    assert re.match("0" + row("4x4 stabilize", 6), lines[1].strip()), lines
    # The first worker was waited for before its line came.
    os.kill(wait_for(process, lambda: worker_of(process)), signal.SIGKILL)
    output, _ = process.communicate(timeout=PATIENCE_SECS)
    lines = [line.strip() for line in output.splitlines() if not line.startswith("probe:")]
    assert process.returncode == 0, output
    assert re.match(r"1 8x8 stabilize\s+5\s+3   does not fit", lines[0])
    assert re.match("1" + row("8x8 stabilize", 5, 2), lines[1])
    assert lines[2].startswith("All phases fit with --micro_batch=8:2; one picture at a time")
    assert output.count("probe: 8x8 stabilize done after") == 2


def need(index, micro_batch, fits, **settings):
    config = tiny_config("", "", batch_size="5", micro_batch=f"8:{micro_batch}", **settings)
    return PhaseMemory(build_schedule(config).phases[index], 1.5, 0.25, fits)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([need(0, 0, True), need(1, 0, True)], "All phases fit"),
        (
            [need(0, 0, True), need(1, 0, False), need(1, 3, True), need(2, 3, True)],
            "All phases fit with --micro_batch=8:3",
        ),
        (
            [need(1, 0, False), need(1, 3, False), need(1, 2, True), need(2, 2, True)],
            "All phases fit with --micro_batch=8:2; one picture at a time, so no minibatch "
            "statistic: 8x8 fade, 8x8 stabilize",
        ),
        ([need(1, 2, False), need(1, 1, False), need(2, 1, True)], "Does not fit: 8x8 fade"),
    ],
)
def test_the_last_line_says_what_fits(found, said):
    assert recommend_micro_batch(found, num_replicas=1) == said


def test_a_line_holds_what_was_measured():
    assert need(1, 3, True).line() == (
        " 1 8x8 fade               5            3       1.50        0.250      20.00"
    )


@pytest.mark.soak
def test_over_the_budget_half_a_batch_is_tried_and_takes_less_memory():
    # 16384 pictures of 8 x 8 by 32 maps are 134 MB per layer, and a step keeps some of them.
    shape = {"resolution": 8, "fmap_base": 128, "fmap_max": 32}
    schedule = {"fade_kimg": "0", "stabilize_kimg": "0,8:20", "batch_size": "16384"}
    tries = measure_phases(tiny_config("", "", **shape, **schedule), ["CPU:0"], budget_gib=0.001)
    whole, half = itertools.islice(tries, 2)
    assert (whole.phase.micro_batch, half.phase.micro_batch) == (0, 8192)
    assert not whole.fits
    assert whole.peak_gib - half.peak_gib > 0.1


def test_what_fails_for_another_reason_is_said():
    with pytest.raises(ValueError, match=r"The probe of 4x4 stabilize failed: .*no device"):
        list(measure_phases(tiny_config("", ""), ["no device"], None))
