"""What all tests share: a quiet TensorFlow on two logical CPUs, loaded only where it is used."""

import os
import sys

import pytest

# The expected numbers are a CPU's, and two workers would each claim a GPU's whole memory.
# Programs that tests start inherit both; either can be set from outside.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

LOGICAL_CPUS = 2


def split_cpu():
    """Makes two logical CPUs of the one, as replicas need them; only possible before first use."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if tf.config.get_logical_device_configuration(cpu) is None:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * LOGICAL_CPUS
        )


def pytest_collection_finish():
    """Test modules import TensorFlow while they are collected; none has computed yet."""
    if "tensorflow" in sys.modules:
        split_cpu()


@pytest.fixture
def two_cpus():
    """A MirroredStrategy over two logical CPUs."""
    split_cpu()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(LOGICAL_CPUS)])
