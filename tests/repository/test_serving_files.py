"""The files for the stock server fit each other, the exporter, the client and the stand-in."""

import re

from export.local_server.batching.config import read_batching_parameters
from export.local_server.config import read_config_file
from export.local_server.metrics.config import read_metrics_path
from psgan_tf.generation.backends.served import Load
from run_programs import REPOSITORY

SERVING = REPOSITORY / "serving"


def compose_flags():
    """The flags in the compose file, with their values."""
    text = (SERVING / "docker-compose.yml").read_text()
    return dict(re.findall(r"^    - --(\w+)=(\S+)$", text, re.MULTILINE))


def test_one_model_and_its_two_newest_versions_are_offered():
    (model,) = read_config_file(SERVING / "models.config").config
    assert (model.name, model.base_path) == ("psgan", "/models/psgan")
    assert model.model_version_policy.latest.num_versions == 2


def test_batches_have_the_sizes_that_are_warmed_up_and_that_the_client_asks_for():
    parameters = read_batching_parameters(SERVING / "batching.config")
    exporter = (REPOSITORY / "export" / "export_saved_model.py").read_text()
    warmed_up = re.search(r'"warmup_batch_sizes",\n    \[(.*?)\]', exporter)[1]
    assert warmed_up == ", ".join(f'"{size}"' for size in parameters.allowed_batch_sizes)
    assert parameters.max_batch_size == parameters.allowed_batch_sizes[-1] == Load().batch_size


def test_metrics_are_where_the_readme_says():
    path = read_metrics_path(SERVING / "monitoring.config")
    assert f":8501{path}`" in (SERVING / "README.md").read_text()


def test_the_container_is_given_files_that_are_there_and_flags_that_the_stand_in_has_too():
    flags = compose_flags()
    program = (REPOSITORY / "export" / "serve.py").read_text()
    assert "model_config_file" in flags
    for flag, value in flags.items():
        assert re.search(rf'flags\.DEFINE_\w+\(\s*"{flag}"', program), flag
        if value.startswith("/config/"):
            assert (SERVING / value.removeprefix("/config/")).is_file()
