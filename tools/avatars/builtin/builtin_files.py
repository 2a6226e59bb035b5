"""The built-in avatar as files: what the renderer reads, and any VRM viewer opens.

`koharu.vrm` is the figure with all of her wardrobe on, `koharu-costumes.json` says what each
costume hides, and `motions/` holds a .vrma file a motion. The same code writes the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psgan_tf.common.files import json_text, write_atomically
from tools.avatars.builtin.figure import figure_parts
from tools.avatars.builtin.motions.motions import MOTIONS
from tools.avatars.builtin.motions.posing import body_motion
from tools.avatars.builtin.wardrobe.wardrobe import LOOKS, costume_document, wardrobe_parts
from tools.avatars.builtin.writers.vrm_writer import write_vrm
from tools.avatars.builtin.writers.vrma_writer import vrma_bytes

LICENCE = "Apache-2.0"

_AVATAR_FILE = "koharu.vrm"
_COSTUME_FILE = "koharu-costumes.json"
_STAMP_FILE = ".made-by"
_MOTION_ASSET = {
    "generator": "psgan_tf",
    "copyright": "The psgan_tf authors",
    "extras": {
        "title": "psgan_tf's motions",
        "author": "The psgan_tf authors",
        "license": LICENCE,
    },
}


@dataclass(frozen=True)
class BuiltinFiles:
    """Where the built-in avatar's files are.

    Attributes:
        avatar: the VRM file.
        costumes: the costume file.
        motions: name to VRM animation, in the order of `motions.MOTIONS`.
    """

    avatar: Path
    costumes: Path
    motions: Mapping[str, Path]


def source_files() -> list[Path]:
    """The modules whose code makes the files: all of the built-in avatar's packages."""
    return sorted(Path(__file__).parent.rglob("*.py"))


def _stamp() -> str:
    """SHA-256 of the code that makes the files."""
    digest = hashlib.sha256()
    for path in source_files():
        digest.update(path.read_bytes())
    return digest.hexdigest() + "\n"


def builtin_files(folder: str | Path) -> BuiltinFiles:
    """Where `write_builtin_files` puts the files."""
    folder = Path(folder)
    motions = {sketch.name: folder / "motions" / f"{sketch.name}.vrma" for sketch in MOTIONS}
    return BuiltinFiles(folder / _AVATAR_FILE, folder / _COSTUME_FILE, motions)


def write_builtin_files(folder: str | Path) -> BuiltinFiles:
    """Writes the avatar, her costumes and motions into a folder, unless this code already has.

    Args:
        folder: made where it is missing.
    """
    folder = Path(folder)
    files = builtin_files(folder)
    stamp, made_by = _stamp(), folder / _STAMP_FILE
    present = all(
        path.is_file() for path in (files.avatar, files.costumes, *files.motions.values())
    )
    if present and made_by.is_file() and made_by.read_text() == stamp:
        return files
    (folder / "motions").mkdir(parents=True, exist_ok=True)
    write_vrm(files.avatar, [*figure_parts(), *wardrobe_parts()])
    write_atomically(files.costumes, json_text(costume_document()))
    for sketch in MOTIONS:
        data = vrma_bytes(sketch.name, body_motion(sketch), _MOTION_ASSET)
        write_atomically(files.motions[sketch.name], data)
    write_atomically(made_by, stamp)
    return files


def write_chosen_costumes(folder: str | Path, names: Sequence[str]) -> Path:
    """Writes a costume file of some of the costumes, in the order that they are named.

    Args:
        folder: made where it is missing.
        names: of costumes.

    Raises:
        ValueError: a name is no costume; nothing is written.
    """
    known = [look.name for look in LOOKS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"`costumes` must name costumes of the built-in avatar. Received: "
            f"{', '.join(unknown)}. They are {', '.join(known)}."
        )
    costumes = costume_document()["costumes"]
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    path = Path(folder) / f"koharu-costumes-{digest[:8]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json_text({"costumes": {name: costumes[name] for name in names}}))
    return path
