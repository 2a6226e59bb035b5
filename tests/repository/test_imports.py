"""Who may import whom, read from the source files, so that the layers stay layers."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from run_programs import REPOSITORY

CODE_FOLDERS = ("psgan_tf", "tools", "export")

# A module imports only from its own level or below. A package's name stands for all in it.
LEVELS = {
    # Level 0: no TensorFlow, so that `--help`, readers and renderers start at once.
    "psgan_tf": 0,
    "psgan_tf.generation.animation": 0,
    "psgan_tf.generation.latent_mixing": 0,
    "psgan_tf.generation.characters": 0,
    "psgan_tf.training.distributed.cluster": 0,
    "psgan_tf.training.config": 0,
    "psgan_tf.images.contact_sheets": 0,
    "psgan_tf.data.conversion": 0,
    "psgan_tf.model.arithmetic": 0,
    "psgan_tf.data.dataset_card": 0,
    "psgan_tf.common.files": 0,
    "psgan_tf.keypoints.timed_poses": 0,
    "psgan_tf.generation.gallery": 0,
    "psgan_tf.keypoints.dataset_folder": 0,
    "psgan_tf.generation.selection": 0,
    "psgan_tf.images.matting": 0,
    "psgan_tf.training.distributed.rendezvous": 0,
    "psgan_tf.motion": 0,
    "psgan_tf.images.pictures": 0,
    "psgan_tf.images.png_text": 0,
    "psgan_tf.keypoints.pose_conversion": 0,
    "psgan_tf.keypoints.pose_files": 0,
    "psgan_tf.generation.pose_sequences": 0,
    "psgan_tf.keypoints.smoothing": 0,
    "psgan_tf.keypoints.named_poses": 0,
    "psgan_tf.common.processes": 0,
    "psgan_tf.common.progress": 0,
    "psgan_tf.keypoints.resampling": 0,
    "psgan_tf.training.schedule": 0,
    "psgan_tf.keypoints.schema_conversion": 0,
    "psgan_tf.evaluation.silhouettes": 0,
    "psgan_tf.keypoints.schema": 0,
    "psgan_tf.keypoints.drawing": 0,
    "psgan_tf.generation.pose_spec": 0,
    "psgan_tf.video": 0,
    # Level 1: TensorFlow, no model.
    "psgan_tf.model.ops.activations": 1,
    "psgan_tf.data.conversion.convert": 1,
    "psgan_tf.model.ops.convolutions": 1,
    "psgan_tf.data.input_pipeline": 1,
    "psgan_tf.model.ops.devices": 1,
    "psgan_tf.model.ops.cpu.slab_gradients": 1,
    "psgan_tf.model.ops.cpu.xla_passes": 1,
    "psgan_tf.model.latents": 1,
    "psgan_tf.model.layers": 1,
    "psgan_tf.training.gradient_accumulation": 1,
    "psgan_tf.model.ops.normalization": 1,
    "psgan_tf.model.ops.pose_convolution": 1,
    "psgan_tf.model.ops.pose_maps": 1,
    "psgan_tf.training.precision": 1,
    "psgan_tf.training.synthetic_data": 1,
    "psgan_tf.data.records": 1,
    "psgan_tf.serving_client.client": 1,
    "psgan_tf.serving_client.rpc": 1,
    "psgan_tf.generation.backends.served": 1,
    "psgan_tf.generation.served_pictures": 1,
    "psgan_tf.model.ops.step_scope": 1,
    "psgan_tf.model.ops.cpu.winograd": 1,
    "psgan_tf.serving_client.tensor_protos": 1,
    # Level 2: the model.
    "psgan_tf.model.blocks": 2,
    "psgan_tf.training.losses": 2,
    "psgan_tf.model.networks": 2,
    "psgan_tf.training.optimizers": 2,
    "psgan_tf.model.weights": 2,
    # Level 3: training.
    "psgan_tf.training.checkpoints": 3,
    "psgan_tf.training.memory_probe": 3,
    "psgan_tf.generation.backends.saved_model": 3,
    "psgan_tf.training.reporting": 3,
    "psgan_tf.generation.backends.checkpoint": 3,
    "psgan_tf.training.trainer": 3,
    "psgan_tf.training.noise": 3,
    "psgan_tf.training.run": 3,
    "psgan_tf.training.step": 3,
    "psgan_tf.training.distributed.multi_worker": 3,
    # Level 4: programs.
    "psgan_tf.animate": 4,
    "psgan_tf.animate_flags": 4,
    "psgan_tf.common.command_line": 4,
    "psgan_tf.evaluate": 4,
    "psgan_tf.generate": 4,
    "psgan_tf.train": 4,
}
TENSORFLOW = {
    "tensorflow",
    "tensorflow_addons",
    "tensorflow_serving",
    "keras",
    "tensorboard",
}
RECORD_SCHEMA = {
    "Example",
    "Features",
    "FixedLenFeature",
    "parse_example",
    "parse_single_example",
}


def module_name(path: Path) -> str:
    """`psgan_tf/motion/__init__.py` -> `psgan_tf.motion`."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {
    module_name(path): path
    for folder in CODE_FOLDERS
    for path in sorted((REPOSITORY / folder).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}


def level_of(name: str) -> int | None:
    """The level of a module of psgan_tf: its own, else that of the innermost package with one."""
    while name and name not in LEVELS:
        name = name.rpartition(".")[0]
    return LEVELS.get(name)


def imported_names(name: str) -> Iterator[str]:
    """All dotted names that a module imports, anywhere in it, each with what is taken from it."""
    package = name if PATHS[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join((above if node.level else []) + ([node.module] if node.module else []))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_modules(name: str) -> set[str]:
    """Those of our own modules that a module imports."""
    return {imported for imported in imported_names(name) if imported in PATHS} - {name}


def reached_modules(name: str) -> set[str]:
    """Those of our own modules that are loaded with a module."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        for imported in imported_modules(waiting.pop()) - reached:
            reached.add(imported)
            waiting.append(imported)
    return reached


def names_of_libraries(name: str) -> set[str]:
    return {imported.split(".")[0] for imported in imported_names(name)}


PSGAN_TF = [name for name in PATHS if name.split(".")[0] == "psgan_tf"]
LEVEL_0 = [name for name in PSGAN_TF if level_of(name) == 0]


@pytest.mark.parametrize("name", PSGAN_TF)
def test_each_module_has_a_level_and_imports_only_from_it_or_below(name):
    level = level_of(name)
    assert level is not None, f"{name} has no level: add it to LEVELS in {Path(__file__).name}"
    above = {other for other in imported_modules(name) if (level_of(other) or 0) > level}
    assert not above


def test_each_level_is_that_of_a_module():
    assert {name for name in LEVELS if name not in PATHS} == set()


@pytest.mark.parametrize("name", LEVEL_0)
def test_level_0_names_no_tensorflow(name):
    assert names_of_libraries(name) & TENSORFLOW == set()


def test_level_0_loads_no_tensorflow_through_others_either():
    program = (
        "import importlib, sys\n"
        f"for name in {LEVEL_0!r}: importlib.import_module(name)\n"
        f"print(sorted({TENSORFLOW!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_types_are_checked_on_all_of_level_0():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    checked = {module_name(REPOSITORY / path) for path in settings["tool"]["mypy"]["files"]}
    assert checked == {name for name in LEVELS if LEVELS[name] == 0} - {"psgan_tf"}


def test_no_module_is_loaded_by_what_it_loads():
    assert {name for name in PATHS if name in reached_modules(name)} == set()


@pytest.mark.parametrize("name", PATHS)
def test_the_package_its_tools_and_its_exports_stay_apart(name):
    allowed = {
        "psgan_tf": {"psgan_tf"},
        "tools": {"psgan_tf", "tools"},
        "export": {"psgan_tf", "export"},
    }[name.split(".")[0]]
    if name.startswith("tools.benchmark"):
        allowed = allowed | {"export"}
    ours = {*CODE_FOLDERS, "tests", "conftest"}
    assert names_of_libraries(name) & ours <= allowed


@pytest.mark.parametrize("name", PATHS)
def test_only_programs_know_flags(name):
    parts = name.split(".")
    is_program = (
        level_of(name) == 4
        if parts[0] == "psgan_tf"
        else len(parts) == 2 or parts[:2] == ["tools", "benchmark"]
    )
    if not is_program:
        assert set(imported_names(name)) & {"absl.flags", "absl.app", "argparse"} == set()


def test_losses_know_no_networks():
    assert "psgan_tf.model.networks" not in reached_modules("psgan_tf.training.losses")


def test_networks_know_no_schedule():
    assert "psgan_tf.training.schedule" not in reached_modules("psgan_tf.model.networks")


def test_only_optimizers_import_tensorflow_addons():
    users = {name for name in PATHS if "tensorflow_addons" in names_of_libraries(name)}
    assert users == {"psgan_tf.training.optimizers"}


def test_only_records_know_the_record_schema():
    users = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in RECORD_SCHEMA
    }
    assert users == {"psgan_tf.data.records"}
