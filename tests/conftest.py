"""What all tests share: a quiet TensorFlow on two logical CPUs, loaded only where it is used."""

import os
import resource
import signal
import sys
import warnings

import pytest

from file_mutations import WATCHDOG_SECS

# The expected numbers are a CPU's, and two workers would each claim a GPU's whole memory.
# Programs that tests start inherit both; either can be set from outside.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Some of these programs may write small files only: Python 3.11 leaves its bytecode cut short then,
# and the next program stumbles over it.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

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


@pytest.fixture(scope="session")
def two_cpus():
    """A MirroredStrategy over two logical CPUs; a second one in a process would collide with it."""
    split_cpu()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(LOGICAL_CPUS)])


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """Directory of a run that stands in the fade to 8 x 8, with random weights."""
    split_cpu()
    from tiny_run import write_run

    return write_run(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_model(tiny_run, tmp_path_factory):
    """Version 1 of the model exported from `tiny_run`; its parent is the model's folder."""
    from export.saved_model.exporting import export_run

    return export_run(tiny_run, tmp_path_factory.mktemp("models") / "tiny").directory


@pytest.fixture(scope="session")
def builtin_files(tmp_path_factory):
    """The built-in avatar's files; who changes any copies them first."""
    from tools.avatars.builtin.builtin_files import write_builtin_files

    return write_builtin_files(tmp_path_factory.mktemp("koharu") / "built-in")


LARGEST_GROWTH_KB = 400 * 2**10


def give_up(signum, frame):
    raise AssertionError(f"a file took longer than {WATCHDOG_SECS} s")


@pytest.fixture
def guarded():
    """Hangs end the test, memory is counted, warnings of numpy count as failures."""
    previous = signal.signal(signal.SIGALRM, give_up)
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_before
    assert growth < LARGEST_GROWTH_KB


@pytest.fixture(scope="session")
def koharu(builtin_files):
    """The built-in avatar."""
    from tools.avatars.loading.avatar import load_avatar

    return load_avatar(builtin_files.avatar)


@pytest.fixture(scope="session")
def koharu_skeleton(koharu):
    """The built-in avatar's proportions."""
    return koharu.skeleton
