"""The order of packages, read from the source files: what may import what, and what TensorFlow."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from run_programs import REPOSITORY

CODE_FOLDERS = ("psgan_tf", "tools", "export")

# What lies in a package, lowest first: each imports only what stands before it. Of those on one
# line none imports another. A name stands for a package or a module; where a folder has programs,
# they come last.
ORDER = {
    "psgan_tf": (
        "common",
        "images",
        "video keypoints",
        "motion data",
        "model",
        "training",
        "serving_client",
        "generation",
        "evaluation",
        "train generate animate evaluate",
    ),
    "tools": (
        "avatars",
        "benchmark",
        "make_tfrecords render_avatars convert_pose show_builtin_avatar",
    ),
    "tools.avatars": ("scene mixed_poses", "renderer", "loading builtin", "dataset"),
    "tools.avatars.builtin": (
        "shapes",
        "body",
        "hair",
        "figure",
        "motions wardrobe",
        "writers",
        "builtin_files",
    ),
    "tools.benchmark": (
        "_places",
        "turns servers",
        "steps",
        "multi_worker inputs films",
        "animate film flicker generate input render serving train workers",
        "__main__",
    ),
    "export": (
        "tensorflow_c",
        "saved_model local_server",
        "export_saved_model check_saved_model serve client",
    ),
    "export.local_server": (
        "messages config",
        "models",
        "grpc_api",
        "local_server",
    ),
}
PROGRAMS = {
    f"{package}.{name}"
    for package, lines in (
        ("psgan_tf", ORDER["psgan_tf"][-1]),
        ("tools", ORDER["tools"][-1]),
        ("export", ORDER["export"][-1]),
        ("tools.benchmark", " ".join(ORDER["tools.benchmark"][-2:])),
    )
    for name in lines.split()
}
# Subjects of the benchmark share their flags.
KNOW_FLAGS = PROGRAMS | {"psgan_tf.common.command_line", "tools.benchmark.steps.step_flags"}

# What never imports TensorFlow, so that `--help`, readers and renderers start at once, and is
# typed strictly. The innermost package or module that is named decides.
NO_TENSORFLOW = (
    "psgan_tf.common",
    "psgan_tf.images",
    "psgan_tf.video",
    "psgan_tf.keypoints",
    "psgan_tf.motion",
    "psgan_tf.data.dataset_card",
    "psgan_tf.data.conversion",
    "psgan_tf.model.config",
    "psgan_tf.model.arithmetic",
    "psgan_tf.training.config",
    "psgan_tf.training.schedule",
    "psgan_tf.training.time_left",
    "psgan_tf.training.distributed.cluster",
    "psgan_tf.training.distributed.rendezvous",
    "psgan_tf.generation",
    "psgan_tf.generation.backends.protocol",
    "psgan_tf.evaluation.silhouettes",
    "psgan_tf.evaluation.flicker",
)
BUT_THESE = ("psgan_tf.data.conversion.convert", "psgan_tf.generation.backends")

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
MOST_LINES = 350
MOST_MODULES = 20
MOST_FILES_OF_PSGAN_TF = 7


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
PACKAGES = [name for name, path in PATHS.items() if path.name == "__init__.py"]


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


def member_of(package: str, name: str) -> str | None:
    """What of a package a module is, or lies in: `motion` of psgan_tf for `psgan_tf.motion.rig`."""
    return name[len(package) + 1 :].split(".")[0] if name.startswith(f"{package}.") else None


def knows_no_tensorflow(name: str) -> bool:
    while name and name not in NO_TENSORFLOW and name not in BUT_THESE:
        name = name.rpartition(".")[0]
    return name in NO_TENSORFLOW


WITHOUT_TENSORFLOW = [name for name in PATHS if knows_no_tensorflow(name)]


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_what_stands_before_it(package):
    places = {name: place for place, line in enumerate(ORDER[package]) for name in line.split()}
    members = {member_of(package, name) for name in PATHS} - {None}
    assert members == set(places), f"ORDER of {Path(__file__).name} must name what is in {package}"
    wrong = set()
    for name in PATHS:
        own = member_of(package, name)
        for imported in imported_modules(name) if own else ():
            other = member_of(package, imported)
            if other not in (None, own) and places[other] >= places[own]:
                wrong.add(f"{name} imports {imported}")
    assert wrong == set()


@pytest.mark.parametrize("name", WITHOUT_TENSORFLOW)
def test_what_is_without_tensorflow_names_none_of_it(name):
    assert names_of_libraries(name) & TENSORFLOW == set()


def test_what_is_without_tensorflow_loads_none_through_others_either():
    program = (
        "import importlib, sys\n"
        f"for name in {WITHOUT_TENSORFLOW!r}: importlib.import_module(name)\n"
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


def test_types_are_checked_on_all_that_is_without_tensorflow():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    checked = {module_name(REPOSITORY / path) for path in settings["tool"]["mypy"]["files"]}
    assert checked == set(NO_TENSORFLOW)
    left_out = [re.compile(pattern) for pattern in settings["tool"]["mypy"]["exclude"]]
    for name in BUT_THESE:
        assert any(pattern.search(f"{name.replace('.', '/')}.py") for pattern in left_out) or any(
            pattern.search(f"{name.replace('.', '/')}/") for pattern in left_out
        )


def test_each_name_of_the_lists_is_that_of_a_module():
    named = {*NO_TENSORFLOW, *BUT_THESE, *PROGRAMS, *KNOW_FLAGS}
    assert {name for name in named if name not in PATHS} == set()


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


@pytest.mark.parametrize("name", sorted(set(PATHS) - KNOW_FLAGS))
def test_only_programs_know_flags(name):
    assert set(imported_names(name)) & {"absl.flags", "absl.app", "argparse"} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_opens_with_its_duty_in_one_line(package):
    duty = (ast.get_docstring(TREES[package]) or "").partition("\n")[0]
    assert duty.endswith(".")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_has_many_modules(package):
    modules = [name for name in PATHS if name.rpartition(".")[0] == package]
    assert len(modules) <= MOST_MODULES


def test_psgan_tf_itself_holds_its_programs_alone():
    files = sorted(path.name for path in (REPOSITORY / "psgan_tf").glob("*.py"))
    assert len(files) <= MOST_FILES_OF_PSGAN_TF
    assert files == ["__init__.py", "animate.py", "evaluate.py", "generate.py", "train.py"]


def test_no_file_is_long():
    texts = [
        path for folder in (*CODE_FOLDERS, "tests") for path in (REPOSITORY / folder).rglob("*.py")
    ]
    long = {path.name for path in texts if len(path.read_text().splitlines()) > MOST_LINES}
    assert long == set()


def test_each_module_named_in_a_text_exists():
    """Modules that are started as processes or patched by name do not show among imports."""
    missing = set()
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for found in re.findall(r"^(?:psgan_tf|tools|export)(?:\.\w+)+$", node.value):
                    if found not in PATHS:
                        missing.add(f"{name}: {found}")
    assert missing == set()


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
