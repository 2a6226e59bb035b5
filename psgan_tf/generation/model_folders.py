"""Folders of exported models."""

from __future__ import annotations

from pathlib import Path

# Where an exported model says what its keypoints are.
SKELETON_ASSET = Path("assets", "skeleton.json")


def saved_model_folder(path: str | Path) -> Path:
    """The SavedModel meant by a path: itself, or the highest of the versions in it.

    Raises:
        ValueError: there is no SavedModel.
    """
    path = Path(path)
    numbered = [file for file in path.glob("*/saved_model.pb") if file.parent.name.isdigit()]
    file = max(numbered, key=lambda file: int(file.parent.name), default=path / "saved_model.pb")
    if not file.is_file():
        raise ValueError(
            "`saved_model` must be an exported model, or a folder of its versions. "
            f"Received: {path}, which holds no saved_model.pb. Make one with export_saved_model."
        )
    return file.parent
