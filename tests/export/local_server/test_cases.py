"""The local stand-in against serving_cases/, which hold what the stock server answered."""

import numpy as np
import pytest

from run_programs import run
from serving_cases import replay
from serving_cases.models import weights_of, write_models
from standin_process import serving

CONFIG = """config {{ name: "{name}" base_path: "{folder}/{name}" model_platform: "tensorflow" }}"""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def with_onednn():
    """As on the stock server's machine: which node an error names depends on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
        yield


@pytest.fixture(scope="module")
def served(models, with_onednn):
    """All models, and a client."""
    names = ("gen", "odd", "python", "numpy", "keras_save", "keras_export")
    configs = " ".join(CONFIG.format(name=name, folder=models) for name in names)
    file = models / "models.config"
    file.write_text(f"model_config_list {{ {configs} }}", encoding="utf-8")
    with serving(f"--model_config={file}", "--enable_grpc_healthcheck_service=true") as server:
        client = replay.Client(server.grpc_address)
        yield server, client
        client.close()


def cases(*files):
    return [pytest.param(case, id=case.name) for name in files for case in replay.read_cases(name)]


@pytest.mark.parametrize("case", cases("predict.toml", "others.toml", "odd_graphs.toml"))
def test_each_case_is_answered_as_the_stock_server_answers(served, case):
    _, client = served
    assert replay.faults_of(case, client.ask(case)) == []


def test_a_changed_expectation_would_be_told(served):
    _, client = served
    for case in replay.read_cases("predict.toml"):
        answer = client.ask(case)
        wrong_code = {"code": "ABORTED", "text": answer.text}
        wrong_text = {"code": answer.code, "text": answer.text + "!"}
        assert replay.faults_of(case, answer, wrong_code)
        assert answer.code == "OK" or replay.faults_of(case, answer, wrong_text)


def test_only_the_cases_that_say_why_are_answered_differently():
    files = ("predict.toml", "others.toml", "odd_graphs.toml", "reload.toml")
    different = [
        case for name in files for case in replay.read_cases(name) if "standin" in case.fields
    ]
    assert [case.name for case in different] == ["a new model whose folder is missing"]
    assert all(case.fields["standin"]["why"] for case in different)


def test_reload_goes_through_the_same_steps_and_states(models, with_onednn):
    with serving("--model_name=gen", f"--model_base_path={models}/gen") as server:
        client = replay.Client(server.grpc_address)
        for case in replay.read_cases("reload.toml", models=str(models)):
            faults = replay.faults_of(case, client.ask(case), expected=case.fields.get("standin"))
            assert (case.name, faults + replay.state_faults(client, case)) == (case.name, [])
        client.close()


def test_pixels_are_those_of_the_formula_for_a_batch_of_any_size(served):
    server, _ = served
    random = np.random.default_rng(0)
    for batch in (1, 2, 5):
        latent = random.normal(size=(batch, 64)).astype(np.float32)
        pose = random.normal(size=(batch, 32, 32, 4)).astype(np.float32)
        outputs = server.predict("gen", {"latent": latent, "pose": pose})
        images = np.array(outputs["images"].float_val).reshape(batch, 32, 32, 3)
        colours = np.tanh(latent @ weights_of(2))[:, None, None, :]
        np.testing.assert_allclose(images, colours * pose[..., :3] + 2, rtol=1e-5, atol=1e-5)


def test_anyone_can_replay_the_cases_against_an_address(served):
    server, _ = served
    command = ("tests.export.local_server.serving_cases.replay", f"--address={server.grpc_address}")
    status, output = run(*command, "predict.toml", "others.toml")
    assert status == 0, output
    assert output.count("equal ") == len(cases("predict.toml", "others.toml"))
    status, output = run(*command, "predict.toml", "--without_onednn")
    assert status == 1
    assert output.count("DIFFERENT") == 2
