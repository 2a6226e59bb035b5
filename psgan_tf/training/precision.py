"""Precision that `--precision=auto` stands for: bfloat16 where the hardware multiplies in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

AUTO = "auto"
_CPUINFO = Path("/proc/cpuinfo")
# Either one will do: with `avx512_bf16` alone, training steps took 0.56 of float32's time.
_CPU_FLAGS = ("amx_bf16", "avx512_bf16")
# From Ampere on; older GPUs compute bfloat16 in software.
_LEAST_CAPABILITY = (8, 0)


def of_processor(cpuinfo: str) -> tuple[str, str]:
    """The precision for a processor, and why.

    Args:
        cpuinfo: text of `/proc/cpuinfo`, or empty where there is none.
    """
    flags = {
        flag
        for line in cpuinfo.splitlines()
        if line.split(":")[0].strip() == "flags"
        for flag in line.split(":")[1].split()
    }
    for flag in _CPU_FLAGS:
        if flag in flags:
            return "bfloat16", f"the processor has {flag}"
    return "float32", f"the processor has none of {', '.join(_CPU_FLAGS)}"


def of_gpus(capabilities: Sequence[tuple[int, int] | None]) -> tuple[str, str]:
    """The precision for GPUs that share a batch, and why: the oldest decides.

    Args:
        capabilities: compute capability of each, such as (8, 0); None where it is unknown.
    """
    oldest = min(capability or (0, 0) for capability in capabilities)
    known = "unknown" if oldest == (0, 0) else "{}.{}".format(*oldest)
    precision = "bfloat16" if oldest >= _LEAST_CAPABILITY else "float32"
    least = "{}.{}".format(*_LEAST_CAPABILITY)
    return precision, f"the GPU's compute capability is {known}, bfloat16 takes {least}"


def best_precision(devices: Sequence[str]) -> tuple[str, str]:
    """The precision for devices of this machine, and why, without starting any.

    Args:
        devices: such as `GPU:0`, from `devices.replica_devices`.
    """
    gpus = {
        gpu.name.removeprefix("/physical_device:"): gpu
        for gpu in tf.config.list_physical_devices("GPU")
    }
    if any(name not in gpus for name in devices):
        return of_processor(_CPUINFO.read_text() if _CPUINFO.is_file() else "")
    details = [tf.config.experimental.get_device_details(gpus[name]) for name in devices]
    return of_gpus([found.get("compute_capability") for found in details])
