"""Which models to serve: the configuration file and its checks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import grpc
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

from export.tensorflow_c.status import StatusError

PLATFORM = "tensorflow"
VersionPolicy = FileSystemStoragePathSourceConfig.ServableVersionPolicy


@dataclasses.dataclass(frozen=True)
class Model:
    """One model to serve.

    Attributes:
        name: what requests call it.
        base_path: the folder whose numbered folders are the versions.
        policy: which of them to serve.
        labels: label to version.
    """

    name: str
    base_path: Path
    policy: VersionPolicy
    labels: dict[str, int]


def _invalid(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _check_platform(config: ModelConfig) -> None:
    typed = config.model_type == ModelType.TENSORFLOW
    if typed and config.model_platform:
        raise _invalid(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform."
        )
    if not typed and not config.model_platform:
        raise _invalid(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {config.name}"
        )
    if not typed and config.model_platform != PLATFORM:
        raise _invalid(f"Model {config.name} requests unsupported platform {config.model_platform}")


def models_of(config_list: ModelConfigList) -> list[Model]:
    """The models of a list.

    Raises:
        StatusError: with the stock server's words for what is wrong with it.
    """
    names: set[str] = set()
    for config in config_list.config:
        if config.name in names:
            raise _invalid(f"Illegal to list model {config.name} multiple times in config list")
        names.add(config.name)
    for config in config_list.config:
        if not config.base_path.startswith("/"):
            raise _invalid(
                f"Expected model {config.name} to have an absolute path or URI; "
                f"got base_path()={config.base_path}"
            )
    for config in config_list.config:
        _check_platform(config)
    return [
        Model(
            name=config.name,
            base_path=Path(config.base_path),
            policy=config.model_version_policy,
            labels=dict(config.version_labels),
        )
        for config in config_list.config
    ]


def read_config_file(path: str | Path) -> ModelConfigList:
    """A models.config file: a ModelServerConfig in protobuf's text format.

    Raises:
        ValueError: it is missing, broken, or lists no models; the text names the file.
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
    return config.model_config_list


def choose_models(file: str | None, name: str, base_path: str | None) -> ModelConfigList:
    """The configuration from a file, or of one model with this name and folder.

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
    folder = str(Path(base_path or "").absolute())
    config = ModelConfig(name=name, base_path=folder, model_platform=PLATFORM)
    return ModelConfigList(config=[config])
