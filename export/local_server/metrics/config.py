"""The stock server's `--monitoring_config_file`: whether and where metrics are to be had."""

from __future__ import annotations

from pathlib import Path

from export.local_server.text_protos import declare_messages, read_text_proto

DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"

_MESSAGES = declare_messages(
    "monitoring_config.proto",
    {
        "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
        "MonitoringConfig": {"prometheus_config": (1, "PrometheusConfig")},
    },
)


def read_metrics_path(path: str | Path) -> str | None:
    """The path on the REST port that answers with metrics; None where they are not enabled.

    Raises:
        ValueError: the file cannot be read or is no such file, or the path is no path.
    """
    config = read_text_proto(path, _MESSAGES["MonitoringConfig"]()).prometheus_config
    if not config.enable:
        return None
    metrics_path: str = config.path or DEFAULT_METRICS_PATH
    if not metrics_path.startswith("/"):
        raise ValueError(
            f"`path` in `{path}` must begin with a slash. Received: {metrics_path}. "
            f"Write for instance {DEFAULT_METRICS_PATH}."
        )
    return metrics_path
