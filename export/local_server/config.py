"""Configuration of the models to serve: flags or a file, and their checks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)
from tensorflow_serving.config.model_server_config_pb2 import (
    ModelConfig,
    ModelConfigList,
    ModelServerConfig,
    ModelType,
)

PLATFORM = "tensorflow"
VersionPolicy = FileSystemStoragePathSourceConfig.ServableVersionPolicy


@dataclasses.dataclass(frozen=True)
class Model:
    """One model to serve.

    Attributes:
        name: what requests call it.
        base_path: the folder whose numbered folders are the versions.
        policy: which of them to serve.
    """

    name: str
    base_path: Path
    policy: VersionPolicy


def _check_platform(config: ModelConfig) -> None:
    typed = config.model_type == ModelType.TENSORFLOW
    if typed and config.model_platform:
        raise ValueError(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform."
        )
    if not typed and not config.model_platform:
        raise ValueError(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {config.name}"
        )
    if not typed and config.model_platform != PLATFORM:
        raise ValueError(
            f"Model {config.name} requests unsupported platform {config.model_platform}"
        )


def models_of(config_list: ModelConfigList) -> list[Model]:
    """The models of a list.

    Raises:
        ValueError: with the stock server's words for what is wrong with it; or a version has a
            label, of which the local server knows none.
    """
    names: set[str] = set()
    for config in config_list.config:
        if config.name in names:
            raise ValueError(f"Illegal to list model {config.name} multiple times in config list")
        names.add(config.name)
    for config in config_list.config:
        if not config.base_path.startswith("/"):
            raise ValueError(
                f"Expected model {config.name} to have an absolute path or URI; "
                f"got base_path()={config.base_path}"
            )
    for config in config_list.config:
        _check_platform(config)
        if config.version_labels:
            raise ValueError(
                "The local server knows versions by number only. "
                f"Received: version_labels of model {config.name}."
            )
    return [
        Model(config.name, Path(config.base_path), config.model_version_policy)
        for config in config_list.config
    ]


def read_config_file(path: str | Path) -> list[Model]:
    """The models of a models.config file: a ModelServerConfig in protobuf's text format.

    Raises:
        ValueError: it is missing, broken, or lists no models; the text names the file. Or as
            `models_of`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"`{path}` cannot be read as text: {error}.") from None
    try:
        config = text_format.Parse(text, ModelServerConfig())
    except text_format.ParseError as error:
        raise ValueError(f"`{path}` is no ModelServerConfig in text format: {error}.") from None
    if not config.model_config_list.config:
        raise ValueError(f"`{path}` must have a model_config_list with a model. Received: none.")
    return models_of(config.model_config_list)


def choose_models(file: str | None, name: str, base_path: str | None) -> list[Model]:
    """The models of a file, or one model with this name and folder.

    Raises:
        ValueError: both or neither of file and folder are given, or the file is not right.
    """
    if bool(file) == bool(base_path):
        raise ValueError(
            "Give either `model_config_file` or `model_base_path` (with `model_name`). "
            f"Received: {file} and {base_path}."
        )
    if file:
        return read_config_file(file)
    return [Model(name, Path(base_path or "").absolute(), VersionPolicy())]
