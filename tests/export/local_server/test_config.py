"""Which models and versions a configuration asks for, and how wrong ones are refused."""

import re

import pytest
from google.protobuf import text_format
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelConfigList

from export.local_server.config import VersionPolicy, choose_models, models_of, read_config_file
from export.local_server.grpc_api.ssl_config import read_credentials
from export.local_server.models.policies import aspired_versions, versions_in
from export.tensorflow_c.status import truncated
from serving_cases.replay import read_cases


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
    names = {1: "1", 7: "007", 12: "12"}
    assert versions_in(tmp_path) == {number: tmp_path / name for number, name in names.items()}


def test_a_configuration_file_lists_models_with_policies(tmp_path):
    file = tmp_path / "models.config"
    file.write_text(
        """
        model_config_list {
          config { name: "a" base_path: "/models/a" model_platform: "tensorflow"
                   model_version_policy { all { } } }
          config { name: "b" base_path: "/models/b" model_platform: "tensorflow" }
        }""",
        encoding="utf-8",
    )
    first, second = read_config_file(file)
    assert (first.name, str(first.base_path)) == ("a", "/models/a")
    assert aspired_versions({1, 2}, first.policy) == {1, 2}
    assert second.name == "b"
    assert aspired_versions({1, 2}, second.policy) == {2}


def test_one_model_needs_no_file_and_its_folder_may_be_relative(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (model,) = choose_models(None, "avatar", "models/avatar")
    assert (model.name, model.base_path) == ("avatar", tmp_path / "models" / "avatar")


@pytest.mark.parametrize("given", [(None, "a", None), ("models.config", "a", "/a")])
def test_either_a_file_or_a_folder_says_what_to_serve(given):
    with pytest.raises(ValueError, match="Give either `model_config_file` or `model_base_path`"):
        choose_models(*given)


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
    with pytest.raises(ValueError, match="Illegal setting both"):
        models_of(both)


REFUSED = (
    "a model listed twice",
    "a relative path",
    "no platform",
    "another platform",
)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_in_the_words_in_which_the_stock_server_refuses_a_reload(name):
    (case,) = [case for case in read_cases("reload.toml", "/models") if case.name == name]
    request = text_format.Parse(case.text("request"), ReloadConfigRequest())
    with pytest.raises(ValueError, match=re.escape(case.fields["text"])):
        models_of(request.config.model_config_list)


def test_labels_are_refused():
    text = """config { name: "a" base_path: "/a" model_platform: "tensorflow"
                       version_labels { key: "stable" value: 3 } }"""
    with pytest.raises(ValueError, match="Received: version_labels of model a"):
        models_of(text_format.Parse(text, ModelConfigList()))


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
        ("\udcff", "cannot be read as text"),
    ],
)
def test_a_tls_file_without_what_it_needs_is_refused(tmp_path, content, expected):
    file = tmp_path / "ssl.config"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=expected):
        read_credentials(file)
