"""Version policies: the versions in a model's folder, and those that its policy asks for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import grpc

from export.local_server.config import Model, VersionPolicy
from export.tensorflow_c.status import StatusError


def versions_in(base_path: Path) -> dict[int, Path]:
    """The versions that lie in a model's folder: its folders that have a number as their name.

    Returns:
        Number to folder; a name may have zeros before the number.

    Raises:
        OSError: the folder cannot be read.
    """
    return {
        int(entry.name): entry
        for entry in base_path.iterdir()
        if entry.name.isascii() and entry.name.isdecimal() and entry.is_dir()
    }


def aspired_versions(present: Iterable[int], policy: VersionPolicy) -> set[int]:
    """Which of the versions present shall be served: by default the highest.

    For instance {1, 2, 5} with `latest { num_versions: 2 }`: {2, 5}.
    """
    chosen = policy.WhichOneof("policy_choice")
    if chosen == "all":
        return set(present)
    if chosen == "specific":
        return set(present) & set(policy.specific.versions)
    return set(sorted(present)[-max(1, policy.latest.num_versions) :])


def wanted_versions(model: Model) -> set[int]:
    """The versions that a model's policy asks for, of those that lie there.

    Raises:
        OSError: the model's folder cannot be read.
    """
    return aspired_versions(versions_in(model.base_path), model.policy)


def check_folder(model: Model) -> None:
    """Refuses a model without a version to load; the stock server would wait for one for ever.

    Raises:
        StatusError: there is no folder, or none of a version that the policy asks for.
    """
    try:
        found = wanted_versions(model)
    except OSError as error:
        message = f"{model.base_path} for servable {model.name}: {error.strerror}"
        raise StatusError(
            grpc.StatusCode.NOT_FOUND, f"Could not find base path {message}"
        ) from None
    if not found:
        raise StatusError(
            grpc.StatusCode.NOT_FOUND,
            f"No versions of servable {model.name} found under base path {model.base_path}",
        )
