"""Which models and versions a configuration asks for, and how wrong ones are refused."""

import queue
import time

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

from export.local_server.config import VersionPolicy, choose_models, models_of, read_config_file
from export.local_server.config_watch import ConfigWatch
from export.local_server.grpc_api.server import read_credentials
from export.local_server.models.policies import aspired_versions, version_folder, versions_in
from export.tensorflow_c.status import StatusError, truncated
from psgan_tf.common.files import write_atomically


def policy(text):
    return text_format.Parse(text, VersionPolicy())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {5}),
        ("latest { }", {5}),
        ("latest { num_versions: 2 }", {2, 5}),
        ("latest { num_versions: 9 }", {1, 2, 5}),
        ("all { }", {1, 2, 5}),
        ("specific { versions: 1 versions: 5 }", {1, 5}),
        ("specific { versions: 3 }", set()),
    ],
)
def test_a_policy_chooses_among_the_versions_present(text, expected):
    assert aspired_versions({1, 2, 5}, policy(text)) == expected


def test_only_folders_with_a_number_are_versions(tmp_path):
    for name in ("1", "007", "12", "tmp-5", "1.5", "-3", "²"):
        (tmp_path / name).mkdir()
    (tmp_path / "9").write_text("a file", encoding="utf-8")
    assert versions_in(tmp_path) == {1, 7, 12}
    assert version_folder(tmp_path, 7) == tmp_path / "007"


def test_a_configuration_file_lists_models_with_policies_and_labels(tmp_path):
    file = tmp_path / "models.config"
    file.write_text(
        """
        model_config_list {
          config { name: "a" base_path: "/models/a" model_platform: "tensorflow"
                   model_version_policy { all { } }
                   version_labels { key: "stable" value: 3 } }
          config { name: "b" base_path: "/models/b" model_platform: "tensorflow" }
        }""",
        encoding="utf-8",
    )
    first, second = models_of(read_config_file(file))
    assert (first.name, str(first.base_path), first.labels) == ("a", "/models/a", {"stable": 3})
    assert aspired_versions({1, 2}, first.policy) == {1, 2}
    assert (second.name, second.labels) == ("b", {})


def test_one_model_needs_no_file_and_its_folder_may_be_relative(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (model,) = models_of(choose_models(None, "avatar", "models/avatar"))
    assert (model.name, model.base_path) == ("avatar", tmp_path / "models" / "avatar")


@pytest.mark.parametrize("given", [(None, "a", None), ("models.config", "a", "/a")])
def test_either_a_file_or_a_folder_says_what_to_serve(given):
    with pytest.raises(ValueError, match="Give either `model_config_file` or `model_base_path`"):
        choose_models(*given)


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(tmp_path):
    file = tmp_path / "models.config"
    text = 'model_config_list {{ config {{ name: "{}" base_path: "/a" }} }}'
    file.write_text(text.format("first"), encoding="utf-8")
    taken = queue.Queue()
    watch = ConfigWatch(file, 0.01, lambda models: taken.put(models.config[0].name))
    watch.start()
    time.sleep(0.1)
    write_atomically(file, "model_config_list {")
    time.sleep(0.1)
    write_atomically(file, text.format("second"))
    assert taken.get(timeout=30) == "second"
    watch.stop()
    assert taken.empty()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"model_config_list { config { nmae: 'a' } }", "no ModelServerConfig in text format"),
        (b"", "must have a model_config_list with a model"),
        (b"\xff\xfe", "cannot be read as text"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path, content, expected):
    file = tmp_path / "models.config"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=expected) as caught:
        read_config_file(file)
    assert str(file) in str(caught.value)


def test_type_and_platform_together_are_refused_and_the_old_type_alone_is_taken():
    text = 'config { name: "a" base_path: "/a" model_type: TENSORFLOW %s }'
    old = text_format.Parse(text % "", ModelConfigList())
    assert [model.name for model in models_of(old)] == ["a"]
    both = text_format.Parse(text % 'model_platform: "tensorflow"', ModelConfigList())
    with pytest.raises(StatusError, match="Illegal setting both"):
        models_of(both)


def test_messages_are_cut_after_1024_bytes():
    assert truncated("x" * 1024) == "x" * 1024
    assert truncated("x" * 1025) == "x" * 1024 + "...TRUNCATED"
    # 2 bytes each: the last letter would be cut in two
    assert truncated("x" + "ä" * 600) == "x" + "ä" * 511 + "...TRUNCATED"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('server_key: "k"', "Received: no server_cert"),
        ('server_cert: "c"', "Received: no server_key"),
        ('server_key: "k" server_cert: "c" client_verify: true', "must have custom_ca"),
        ("key: 1", "no SSLConfig"),
    ],
)
def test_a_tls_file_without_what_it_needs_is_refused(tmp_path, content, expected):
    file = tmp_path / "ssl.config"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=expected):
        read_credentials(file)
