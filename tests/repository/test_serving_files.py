"""The files for the stock server fit each other, the exporter and the client."""

import re

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from psgan_tf.generation.backends.served import Load
from run_programs import REPOSITORY

SERVING = REPOSITORY / "serving"
# The fields of session_bundle_config.proto and monitoring_config.proto that the files may use:
# tensorflow-serving-api carries neither.
NOT_CARRIED = """
name: "serving_files.proto"
syntax: "proto3"
message_type {
  name: "Number"
  field { name: "value" number: 1 type: TYPE_INT64 }
}
message_type {
  name: "BatchingParameters"
  field { name: "max_batch_size" number: 1 type: TYPE_MESSAGE type_name: ".Number" }
  field { name: "batch_timeout_micros" number: 2 type: TYPE_MESSAGE type_name: ".Number" }
  field { name: "max_enqueued_batches" number: 3 type: TYPE_MESSAGE type_name: ".Number" }
  field { name: "num_batch_threads" number: 4 type: TYPE_MESSAGE type_name: ".Number" }
  field { name: "allowed_batch_sizes" number: 6 type: TYPE_INT64 label: LABEL_REPEATED }
}
message_type {
  name: "PrometheusConfig"
  field { name: "enable" number: 1 type: TYPE_BOOL }
  field { name: "path" number: 2 type: TYPE_STRING }
}
message_type {
  name: "MonitoringConfig"
  field { name: "prometheus_config" number: 1 type: TYPE_MESSAGE type_name: ".PrometheusConfig" }
}
"""


def parsed(file_name, message_name):
    """A file in text format, as a message of `NOT_CARRIED`."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(NOT_CARRIED, descriptor_pb2.FileDescriptorProto()))
    message_class = message_factory.GetMessageClass(pool.FindMessageTypeByName(message_name))
    return text_format.Parse((SERVING / file_name).read_text(), message_class())


def compose_flags():
    """The flags in the compose file, with their values."""
    text = (SERVING / "docker-compose.yml").read_text()
    return dict(re.findall(r"^    - --(\w+)=(\S+)$", text, re.MULTILINE))


def test_one_model_and_its_two_newest_versions_are_offered():
    text = (SERVING / "models.config").read_text()
    (model,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert (model.name, model.base_path) == ("psgan", "/models/psgan")
    assert model.model_version_policy.latest.num_versions == 2


def test_batches_have_the_sizes_that_are_warmed_up_and_that_the_client_asks_for():
    parameters = parsed("batching.config", "BatchingParameters")
    sizes = list(parameters.allowed_batch_sizes)
    exporter = (REPOSITORY / "export" / "export_saved_model.py").read_text()
    warmed_up = re.search(r'"warmup_batch_sizes",\n    \[(.*?)\]', exporter)[1]
    assert warmed_up == ", ".join(f'"{size}"' for size in sizes)
    assert sizes == sorted(set(sizes))
    assert parameters.max_batch_size.value == sizes[-1] == Load().batch_size
    assert parameters.num_batch_threads.value > 0


def test_metrics_are_where_the_readme_says():
    metrics = parsed("monitoring.config", "MonitoringConfig").prometheus_config
    assert metrics.enable
    assert f":8501{metrics.path}`" in (SERVING / "README.md").read_text()


def test_the_container_is_given_each_of_the_files_by_its_flag():
    given = {
        flag: value.removeprefix("/config/")
        for flag, value in compose_flags().items()
        if value.startswith("/config/")
    }
    assert given == {
        "model_config_file": "models.config",
        "batching_parameters_file": "batching.config",
        "monitoring_config_file": "monitoring.config",
    }
    assert compose_flags()["enable_batching"] == "true"
    readme = (SERVING / "README.md").read_text()
    for flag, name in given.items():
        assert (SERVING / name).is_file()
        assert f"| `{name}` | `--{flag}`" in readme
