"""What `--precision=auto` stands for, on given processors and GPUs and on this machine."""

import json
import subprocess

import pytest

from psgan_tf.model.config import NetworkConfig
from psgan_tf.training.config import TrainingConfig, to_json
from psgan_tf.training.precision import best_precision, of_gpus, of_processor
from run_programs import run

# Shortened: the lines that matter and those that could be taken for them.
CPUINFO = """\
processor\t: {number}
model name\t: A processor of {model}
power management:
flags\t\t: fpu sse2 avx2 avx512f {flags} arat
bugs\t\t: sysret_ss_attrs

"""


def cpuinfo(flags, model="today"):
    return "".join(CPUINFO.format(number=n, model=model, flags=flags) for n in range(2))


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        (cpuinfo("avx512_bf16 avx_vnni amx_bf16 amx_tile amx_int8"), "bfloat16"),
        (cpuinfo("avx512_bf16 avx512_vnni"), "bfloat16"),
        (cpuinfo("amx_tile amx_int8"), "float32"),
        (cpuinfo("amx_bf16x avx_bf16"), "float32"),
        (cpuinfo("", model="amx_bf16 fame"), "float32"),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n", "float32"),
        ("", "float32"),
    ],
    ids=["matrix unit", "vectors", "integers", "other name", "model", "ARM", "unknown"],
)
def test_a_processor_takes_bfloat16_where_it_has_units_for_it(text, precision):
    found, reason = of_processor(text)
    assert found == precision
    assert ("has none" in reason) == (precision == "float32")


@pytest.mark.parametrize(
    ("capabilities", "precision", "known"),
    [
        ([(8, 0)], "bfloat16", "8.0"),
        ([(9, 0), (8, 6)], "bfloat16", "8.6"),
        ([(7, 5)], "float32", "7.5"),
        ([(9, 0), (7, 0)], "float32", "7.0"),
        ([(8, 0), None], "float32", "unknown"),
        ([(10, 0)], "bfloat16", "10.0"),
    ],
)
def test_the_oldest_gpu_decides(capabilities, precision, known):
    assert of_gpus(capabilities)[0] == precision
    assert f"is {known}," in of_gpus(capabilities)[1]


def this_processor():
    """The answer by other means."""
    found = subprocess.run(["grep", "-qwE", "amx_bf16|avx512_bf16", "/proc/cpuinfo"], check=False)
    return "bfloat16" if found.returncode == 0 else "float32"


def test_this_machines_processor_is_asked():
    assert best_precision(["CPU:0"])[0] == this_processor()


def test_a_new_run_takes_the_hardwares_and_says_so():
    arguments = ("--resolution=4", "--dry_run", "--precision=auto", "--devices=CPU:0")
    status, output = run("psgan_tf.train", *arguments)
    first, _, rest = output.partition("\n")
    assert status == 0
    assert first.startswith(f"--precision=auto: {this_processor()}, since the processor has")
    assert json.loads(rest.split("\nphase ")[0])["precision"] == this_processor()


def test_a_run_keeps_the_precision_that_it_began_with(tmp_path):
    other = {"float32": "bfloat16", "bfloat16": "float32"}[this_processor()]
    config = TrainingConfig(NetworkConfig(resolution=4), "", str(tmp_path), precision=other)
    (tmp_path / "options.json").write_text(to_json(config))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "ckpt-4.index").touch()
    arguments = ("--resolution=4", "--dry_run", "--precision=auto", f"--run_dir={tmp_path}")
    status, output = run("psgan_tf.train", *arguments)
    assert status == 0
    assert output.startswith(f"--precision=auto: {other}, since the run began with it\n")
    assert f'"precision": "{other}"' in output
