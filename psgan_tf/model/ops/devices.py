"""Devices of the current strategy: whether there is a GPU, and the peak of memory."""

from __future__ import annotations

import tensorflow as tf

from psgan_tf.common.processes import peak_resident_gib


def on_processors() -> bool:
    """Whether it runs without a GPU, whose library has fast forms of its own."""
    if tf.distribute.has_strategy():
        devices = tf.distribute.get_strategy().extended.worker_devices
        return not any("GPU" in device.upper() for device in devices)
    return not tf.config.get_visible_devices("GPU")


def peak_memory_gib() -> float:
    """Peak memory in GiB: of the first GPU where there is one, else of the process."""
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        name = gpus[0].name.split("device:")[-1]
        return tf.config.experimental.get_memory_info(name)["peak"] / 2**30
    return peak_resident_gib()
