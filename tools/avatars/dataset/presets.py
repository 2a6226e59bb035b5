"""Datasets of the built-in avatar that have a name, and what `built-in` means as an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.avatars.builtin.builtin_files import (
    LICENCE,
    BuiltinFiles,
    builtin_files,
    write_builtin_files,
    write_chosen_costumes,
)
from tools.avatars.builtin.motions.motions import POSES_PER_MOTION, TEST_MOTIONS
from tools.avatars.dataset.options import RenderOptions
from tools.avatars.dataset.render_folder import BUILTIN_FOLDER, RenderFolder

BUILTIN = "built-in"

# Told apart by a histogram of their colours in every pose; skirts, coats, trousers and shorts,
# hats, wings, short hair and long.
DISTINCT_COSTUMES = (
    "track-suit",
    "rainy-day",
    "forest-elf",
    "witch",
    "ski-trip",
    "hoodie-day",
    "street-dance",
    "basketball",
    "fairy",
    "sweet-ruffles",
    "dungarees",
    "city-walk",
)

# Flags of tools.render_avatars and their values.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # 79 costumes x 600 poses = 47,400 pictures, as many as the paper trained on.
    "paper": {
        "avatar": [BUILTIN],
        "costumes": [BUILTIN],
        "motion": [BUILTIN],
        "name": "koharu",
        "size": 1024,
        "poses_per_motion": POSES_PER_MOTION,
        "test_motions": list(TEST_MOTIONS),
    },
    # What `make demo` trains on in a few minutes: few looks, seen from more sides.
    "demo": {
        "avatar": [BUILTIN],
        "costumes": [f"{BUILTIN}#track-suit,ski-trip,forest-elf,hoodie-day"],
        "motion": [BUILTIN],
        "name": "koharu-demo",
        "size": 128,
        "poses_per_motion": 60,
        "yaw": "-45:45",
        "test_motions": list(TEST_MOTIONS),
    },
    # 12 costumes that differ in colours and shape x (390 poses of motions + 4,600 mixed ones) =
    # 59,880 pictures to train on, and 720 of the test motions.
    "koharu128": {
        "avatar": [BUILTIN],
        "costumes": [f"{BUILTIN}#{','.join(DISTINCT_COSTUMES)}"],
        "motion": [BUILTIN],
        "name": "koharu128",
        "size": 128,
        "poses_per_motion": 30,
        "mixed_poses": 4600,
        "yaw": "-60:60",
        "framing": "tight",
        "test_motions": list(TEST_MOTIONS),
    },
}

# A flag that only makes sense with the preset's own value of another.
_BELONGS_TO = {"costumes": "avatar", "test_motions": "motion"}


def preset_values(name: str, given: Mapping[str, bool]) -> dict[str, Any]:
    """What a preset sets: all that the user did not.

    Args:
        name: one of PRESETS.
        given: for each flag whether the user gave it.
    """
    return {
        flag: value
        for flag, value in PRESETS[name].items()
        if not given[flag] and not given.get(_BELONGS_TO.get(flag, flag), False)
    }


def _names(text: str) -> list[str] | None:
    """What follows `built-in#`; empty for `built-in` alone; None for anything else."""
    head, mark, names = text.partition("#")
    if head != BUILTIN:
        return None
    return [name.strip() for name in names.split(",") if name.strip()] if mark else []


def _motion_paths(text: str, files: BuiltinFiles) -> list[str]:
    names = _names(text)
    if names is None:
        return [text]
    for name in names:
        if name not in files.motions:
            raise ValueError(
                f"`motion` must name built-in motions. Received: {name!r}. They are "
                f"{', '.join(files.motions)}."
            )
    return [str(files.motions[name]) for name in names or files.motions]


def _costume_path(path: Path | None, files: BuiltinFiles) -> Path | None:
    names = None if path is None else _names(str(path))
    if names is None:
        return path
    return write_chosen_costumes(files.costumes.parent, names) if names else files.costumes


def uses_builtin_files(options: RenderOptions) -> bool:
    """Whether any input is `built-in`."""
    inputs = [*map(str, options.avatars), *map(str, options.costumes), *options.motions]
    return any(_names(text) is not None for text in inputs)


def with_builtin_files(options: RenderOptions) -> RenderOptions:
    """The options with files in place of `built-in`; writes these into the output folder.

    A built-in avatar without a costume file of its own wears all of its costumes in turn.

    Raises:
        ValueError: a motion or costume is not one of the built-in ones, or the output folder is
            not one to render into.
    """
    if not uses_builtin_files(options):
        return options
    RenderFolder(options.output).refuse_other_files()
    files = builtin_files(options.output / BUILTIN_FOLDER)
    # Wrong names are found before anything is written.
    motions = tuple(path for text in options.motions for path in _motion_paths(text, files))
    builtin = [str(avatar) == BUILTIN for avatar in options.avatars]
    chosen = options.costumes or tuple(Path(BUILTIN) if own else None for own in builtin)
    costumes = tuple(_costume_path(path, files) for path in chosen)
    write_builtin_files(options.output / BUILTIN_FOLDER)
    return replace(
        options,
        avatars=tuple(
            files.avatar if own else avatar
            for own, avatar in zip(builtin, options.avatars, strict=True)
        ),
        costumes=costumes,
        motions=motions,
        licence=options.licence or (LICENCE if all(builtin) else ""),
    )
