"""Which devices what is built here runs on."""

from __future__ import annotations

import tensorflow as tf


def on_processors() -> bool:
    """Whether it runs without a GPU, whose library has fast forms of its own."""
    if tf.distribute.has_strategy():
        devices = tf.distribute.get_strategy().extended.worker_devices
        return not any("GPU" in device.upper() for device in devices)
    return not tf.config.get_visible_devices("GPU")
