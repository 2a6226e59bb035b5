"""The local server against serving_cases/, which hold what the stock server answered."""

import contextlib
import dataclasses
import http.server
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigResponse
from tensorflow_serving.apis.predict_pb2 import PredictResponse

from local_server_process import serving
from run_programs import run
from serving_cases import replay, rest
from serving_cases.models import weights_of, write_models

CONFIG = """config {{ name: "{name}" base_path: "{folder}/{name}" model_platform: "tensorflow" }}"""
REPLAY = "tests.export.local_server.serving_cases.replay"
SERVED = ("predict.toml", "others.toml", "odd_graphs.toml")
# What only the stock server has.
LEFT_OUT = {
    "reload.toml": "other models while the server runs",
    "rest.toml": "the REST port",
}
LEFT_OUT_OF_OTHERS = {
    "health of the whole server",
    "health of ModelService",
    "health of PredictionService",
    "health by the full name of a service",
    "health of a model",
}


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
    with serving(f"--model_config_file={file}") as server:
        client = replay.Client(server.grpc_address)
        yield server, client
        client.close()


def cases(*files):
    return [
        pytest.param(case, id=case.name)
        for name in files
        for case in replay.read_cases(name)
        if case.name not in LEFT_OUT_OF_OTHERS
    ]


@pytest.mark.parametrize("case", cases(*SERVED))
def test_each_case_is_answered_as_the_stock_server_answers(served, case):
    _, client = served
    assert replay.faults_of(case, client.ask(case)) == []


def test_each_file_of_cases_is_served_or_left_out_by_name():
    assert {path.name for path in replay.HERE.glob("*.toml")} == {*SERVED, *LEFT_OUT}
    checks = {case.name for case in replay.read_cases("others.toml") if case.method == "Check"}
    assert checks == LEFT_OUT_OF_OTHERS


def test_a_changed_expectation_would_be_told(served):
    _, client = served
    for case in replay.read_cases("predict.toml"):
        answer = client.ask(case)
        for fields in (
            {"code": "ABORTED", "text": answer.text},
            {"code": answer.code, "text": answer.text + "!"},
        ):
            changed = dataclasses.replace(case, fields={**case.fields, **fields})
            same = answer.code == fields["code"] == "OK"
            assert same or replay.faults_of(changed, answer)


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


# --- the program that replays them against any server


def told(output):
    """How many cases were equal, and the names of those that were not."""
    lines = output.splitlines()
    different = [line.removeprefix("DIFFERENT ") for line in lines if line.startswith("DIFFERENT")]
    return sum(line.startswith("equal ") for line in lines), set(different)


def test_predict_and_other_cases_are_replayed_against_an_address(served):
    server, _ = served
    command = (REPLAY, f"--address={server.grpc_address}")
    status, output = run(*command, "predict.toml", "others.toml")
    assert status == 1
    assert told(output) == (len(cases("predict.toml", "others.toml")), LEFT_OUT_OF_OTHERS)
    status, output = run(*command, "predict.toml", "--without_onednn")
    assert status == 1
    assert output.count("DIFFERENT") == 2


class TranscribedRest(http.server.BaseHTTPRequestHandler):
    """Answers rest.toml in its order, as transcribed; the rest of an answer is filled up."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        case = self.server.cases.pop(0)
        text = case.get("answer", case.get("starts", "") + case.get("contains", ""))
        body = text.encode().ljust(case.get("bytes", 0))
        self.send_response(case["status"])
        kind = "text/html" if text.startswith("<") else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *arguments):
        """Says nothing."""


def test_cases_of_the_rest_port_are_replayed_against_an_address():
    server = http.server.HTTPServer(("127.0.0.1", 0), TranscribedRest)
    server.cases = rest.read_cases(replay.HERE / "rest.toml")
    names = [case["name"] for case in server.cases]
    server.cases[3] = {**server.cases[3], "status": 500}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        status, output = run(REPLAY, f"--rest_address=127.0.0.1:{server.server_port}", "rest.toml")
    finally:
        server.shutdown()
        server.server_close()
    assert status == 1
    assert told(output) == (len(names) - 1, {names[3]})


class TranscribedReload(
    model_service_pb2_grpc.ModelServiceServicer,
    prediction_service_pb2_grpc.PredictionServiceServicer,
):
    """Answers reload.toml in its order, as transcribed; states are those after the last answer."""

    def __init__(self):
        self.cases = replay.read_cases("reload.toml", "/models")
        self.states = {}

    def answer(self, context, response):
        case = self.cases.pop(0)
        self.states = case.fields.get("states", self.states)
        if "code" in case.fields:
            context.abort(grpc.StatusCode[case.fields["code"]], case.fields["text"])
        if case.method == "Predict":
            text_format.Parse(case.fields["answered_by"], response.model_spec)
            for alias, form in case.fields["outputs"].items():
                field, *sizes = form.split()
                getattr(response.outputs[alias], field).append(0)
                for size in sizes:
                    response.outputs[alias].tensor_shape.dim.add(size=int(size))
            return response
        return text_format.Parse(case.fields["answer"], response)

    def HandleReloadConfigRequest(self, request, context):  # noqa: N802
        return self.answer(context, ReloadConfigResponse())

    def Predict(self, request, context):  # noqa: N802
        return self.answer(context, PredictResponse())

    def GetModelStatus(self, request, context):  # noqa: N802
        response = GetModelStatusResponse()
        for text in self.states[request.model_spec.name]:
            version, state = text.split()
            entry = response.model_version_status.add(version=int(version))
            entry.state = ModelVersionStatus.State.Value(state)
        return response


@contextlib.contextmanager
def transcribed_reload():
    """The address of a server that answers as transcribed, but for the last case."""
    servicer = TranscribedReload()
    servicer.cases[-1].fields["text"] = "Another text"
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("localhost:0")
        server.start()
        try:
            yield f"localhost:{port}"
        finally:
            server.stop(grace=None).wait()


def test_cases_of_reloads_are_replayed_step_by_step_against_an_address():
    names = [case.name for case in replay.read_cases("reload.toml")]
    with transcribed_reload() as address:
        status, output = run(REPLAY, f"--address={address}", "--models=/models", "reload.toml")
    assert status == 1
    assert told(output) == (len(names) - 1, {names[-1]})


def test_a_file_needs_the_address_of_its_port():
    status, output = run(REPLAY, "--address=localhost:1", "rest.toml")
    assert (status, output.splitlines()[-1]) == (
        2,
        "replay.py: error: rest.toml needs --rest_address",
    )
