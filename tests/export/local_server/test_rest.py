"""The stand-in's REST port over real sockets, held to what the stock server was seen to answer.

serving_cases/rest.toml has the stock server's answers; where the stand-in cannot give the same, the
case says so under `difference`. Two further differences: Classify and Regress answer 501, and a
request without a Content-Length 411.
"""

import base64
import http.client
import io
import json
import math
import socket
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from run_programs import PATIENCE_SECS, wait_for
from serving_cases.models import save_gen
from standin_models import save_batched
from standin_process import serving

CASES = tomllib.loads((Path(__file__).parent / "serving_cases" / "rest.toml").read_text())["case"]
LATENT = np.random.RandomState(0).randn(64)
STAND_INS = {
    "@latent63@": json.dumps([0.0] * 63),
    "@latent@": json.dumps(LATENT.tolist()),
    "@pose@": json.dumps(np.ones((32, 32, 4)).tolist()),
}
CONFIG = """model_config_list {{
  config {{ name: "gen" base_path: "{gen}" model_platform: "tensorflow"
            model_version_policy {{ all {{}} }} }}
  config {{ name: "bat" base_path: "{bat}" model_platform: "tensorflow" }}
}}"""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A configuration file with both models, two versions of the toy."""
    folder = tmp_path_factory.mktemp("models")
    for version in (1, 2):
        save_gen(version, folder / "gen" / str(version))
    text = CONFIG.format(gen=folder / "gen", bat=save_batched(folder))
    (folder / "models.config").write_text(text)
    return folder / "models.config"


@pytest.fixture(scope="module")
def server(models):
    with serving(f"--model_config_file={models}", "--rest_api_port=0") as running:
        yield running


def connect(server):
    address = server.rest_url.removeprefix("http://")
    return http.client.HTTPConnection(address, timeout=PATIENCE_SECS)


def ask(server, method, path, body=None, headers=None):
    """Status, headers and body of one request."""
    connection = connect(server)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = (response.status, response.headers, response.read())
    connection.close()
    return answer


def predict(server, model, document):
    """Status and JSON of a predict request."""
    status, _, body = ask(server, "POST", f"/v1/models/{model}:predict", json.dumps(document))
    return status, json.loads(body.decode(errors="surrogateescape"))


def filled(text):
    for name, value in STAND_INS.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_answer_is_the_stock_server_s(server, case):
    if "get" in case:
        status, headers, body = ask(server, "GET", case["get"])
    else:
        status, headers, body = ask(server, "POST", case["post"], filled(case["body"]).encode())
    text = body.decode()
    assert status == case["status"]
    assert text == case.get("answer", text)
    assert text.startswith(case.get("starts", ""))
    assert case.get("contains", "") in text
    assert len(body) == case.get("bytes", len(body))
    expected = "text/html" if text.startswith("<") else "application/json"
    assert headers["Content-Type"] == expected
    assert headers["Content-Length"] == str(len(body))


def test_pixels_are_the_graph_s_own_in_rows_in_columns_and_as_png(server):
    pose = np.linspace(-1, 1, 4096).reshape(32, 32, 4)
    row = {"latent": LATENT.tolist(), "pose": pose.tolist()}
    _, in_rows = predict(server, "gen", {"instances": [row, row]})
    columns = {name: [values] for name, values in row.items()}
    _, in_columns = predict(server, "gen", {"inputs": columns})
    images = np.array(in_rows["predictions"])
    assert images.shape == (2, 32, 32, 3)
    assert np.array_equal(images[0], images[1])
    assert np.allclose(images[:1], np.array(in_columns["outputs"]), rtol=1e-6)
    _, png = predict(server, "gen", {"signature_name": "png", "instances": [row]})
    decoded = np.array(Image.open(io.BytesIO(base64.b64decode(png["predictions"][0]["b64"]))))
    expected = np.clip(images[0].astype(np.float32) * 127.5 + 127.5, 0, 255).astype(np.uint8)
    assert np.array_equal(decoded, expected)


def test_a_version_is_asked_for_by_its_number(server):
    row = {"latent": [0.0] * 64, "pose": np.zeros((32, 32, 4)).tolist()}
    for version in (1, 2):
        path = f"/v1/models/gen/versions/{version}:predict"
        status, _, body = ask(server, "POST", path, json.dumps({"instances": [row]}))
        assert status == 200
        assert np.unique(json.loads(body)["predictions"]).tolist() == [version]


def test_bytes_go_both_ways_as_base64_and_text_as_text(server):
    data = bytes(range(256))
    coded = {"b64": base64.b64encode(data).decode()}
    _, answer = predict(server, "bat", {"signature_name": "texts", "instances": ["é", coded]})
    first, second = answer["predictions"]
    assert first == {"text": "é", "text_bytes": {"b64": "w6k="}, "length": 2}
    assert base64.b64decode(second["text_bytes"]["b64"]) == data
    assert second["length"] == 256


def test_integers_stay_integers_up_to_64_bits(server):
    count = [[2**61, -3], [0, 7]]
    _, answer = predict(server, "bat", {"signature_name": "counts", "inputs": count})
    assert answer == {"outputs": [[2**62, -6], [0, 14]]}


def test_every_float_is_read_back_as_it_was(server):
    special = [0.1, 1 / 3, 1e-30, -0.0, 16777216.0, 3.4028235e38, math.inf, -math.inf]
    latent = np.float32(special + [0.0] * 56)
    document = {"signature_name": "with_psi", "inputs": {"latent": [latent.tolist()], "psi": [1]}}
    status, answer = predict(server, "bat", document)
    assert status == 200
    assert np.array_equal(np.float32(answer["outputs"][0]), latent)


@pytest.mark.parametrize(
    ("model", "body", "status", "expected"),
    [
        ("gen", "", 400, "JSON Parse error: The document is empty"),
        ("gen", "[1]", 400, "JSON Value: [\n    1\n] Is not object"),
        ("gen", '{"instances": [1}', 400, "Missing a comma or ] after an array element."),
        ("gen", '{"a": 1 "b": 2}', 400, "Missing a comma or } after an object member."),
        ("gen", '{"a" 1}', 400, "Missing a colon after a name of object member. at offset: 5"),
        ("gen", "{} {}", 400, "The document root must not be followed by other values."),
        ("gen", '{"a": "\\x"}', 400, "Invalid escape character in string."),
        ("gen", "[" * 100_000, 400, "JSON Parse error:"),
        ("gen", '{"a": ' + "1" * 5000 + "}", 400, "Number too big to be stored in double."),
        ("gen", '{"instances": [1], "inputs": [1]}', 400, "expecting only one of 'inputs' or"),
        ("gen", '{"instances": 1}', 400, "Excepting 'instances' to be an list/array"),
        ("gen", '{"instances": []}', 400, "No values in 'instances' array"),
        ("gen", '{"signature_name": 1, "instances": [1]}', 400, "must be a string value."),
        ("gen", '{"instances": [1]}', 400, "instances is a plain list, but expecting list of"),
        ("gen", '{"inputs": [1]}', 400, "inputs is a plain value/list, but expecting an object"),
        ("gen", '{"inputs": {"latent": 1}}', 400, "Missing named input: pose in 'inputs' object."),
        ("gen", '{"instances": [{"zzz": 1}]}', 400, "does not have named input: zzz"),
        ("bat", '{"instances": [[1, [2]]]}', 400, "Encountered list at unexpected level: 1 expect"),
        ("bat", '{"instances": [[[1], [2, 3]]]}', 400, "Encountered list at unexpected size: 2 at"),
        ("bat", '{"instances": [[[1], 2]]}', 400, "JSON Value: 2 found at incorrect level: 2 in"),
        ("bat", '{"instances": [[1], [1, 2]]}', 400, "Expecting tensor size: 1 but got: 2"),
        ("bat", '{"instances": [[1, 2], [[1], [2]]]}', 400, "Expecting shape [2] but got: [2,1]"),
        ("bat", '{"instances": [[true]]}', 400, "JSON Value: true Type: True is not of expected"),
        ("bat", '{"instances": [[null]]}', 400, "Type: Null is not of expected type: float"),
        ("bat", '{"instances": [[16777217]]}', 400, "16777217 to float without loss of precision"),
        ("bat", '{"instances": [[1e39]]}', 400, "Cannot convert JSON value: 1e+39 to float"),
        (
            "bat",
            '{"signature_name": "counts", "inputs": [[1.5, 2]]}',
            400,
            "JSON Value: 1.5 Type: Number is not of expected type: int64",
        ),
        (
            "bat",
            '{"signature_name": "texts", "inputs": [{"b64": "?"}]}',
            400,
            "Unable to base64 decode",
        ),
        ("bat", '{"signature_name": "mean", "instances": [@latent@]}', 400, "no shape information"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(server, model, body, status, expected):
    answer = ask(server, "POST", f"/v1/models/{model}:predict", filled(body).encode())
    assert answer[0] == status
    assert expected in json.loads(answer[2])["error"]


# --- the connection


def test_a_connection_serves_request_after_request(server):
    connection = connect(server)
    for _ in range(3):
        connection.request("GET", "/v1/models/gen")
        assert connection.getresponse().read().startswith(b"{")
    socket_before = connection.sock
    connection.request("POST", "/v1/models/gen:predict", b"{bad")
    assert connection.getresponse().status == 400
    assert connection.sock is socket_before
    connection.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": "999999999999"}, 413),
        ({"Content-Length": "9" * 30}, 413),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "two"}, 400),
        ({"Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_a_body_that_cannot_be_measured_or_is_too_large_is_refused_unread(server, headers, status):
    connection = connect(server)
    connection.putrequest("POST", "/v1/models/gen:predict")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == status
    assert "error" in json.loads(response.read())
    assert response.headers["Connection"] == "close"
    connection.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_malformed_requests(server, method):
    status, _, body = ask(server, method, "/v1/models/gen")
    assert status == 400
    assert json.loads(body)["error"] == f"Malformed request: {method} /v1/models/gen"


def test_classify_is_not_there(server):
    assert ask(server, "POST", "/v1/models/gen:classify", b"{}")[0] == 501


def test_what_is_no_http_is_turned_away_and_the_server_goes_on(server):
    host, port = server.rest_url.removeprefix("http://").split(":")
    for junk in (b"\x00\xff" * 5000 + b"\r\n\r\n", b"GET\r\n\r\n", b"POST /v1/models/gen:pre"):
        with socket.create_connection((host, int(port)), PATIENCE_SECS) as connection:
            connection.sendall(junk)
    assert ask(server, "GET", "/v1/models/gen")[0] == 200


def test_clients_at_once_get_their_own_answers(server):
    def call(number):
        document = {"signature_name": "counts", "inputs": [[number, number + 1]]}
        return predict(server, "bat", document)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(call, range(200)))
    expected = [(200, {"outputs": [[2 * number, 2 * number + 2]]}) for number in range(200)]
    assert answers == expected


def test_metrics_count_rest_requests_where_the_monitoring_file_says(models, tmp_path):
    (tmp_path / "monitoring").write_text('prometheus_config { enable: true path: "/numbers" }')
    flags = [f"--model_config_file={models}", "--rest_api_port=0"]
    with serving(*flags, f"--monitoring_config_file={tmp_path / 'monitoring'}") as server:
        predict(server, "bat", {"instances": [[0.0] * 64]})
        predict(server, "bat", {"instances": [[0.0] * 63]})
        status, headers, body = ask(server, "GET", "/numbers")
    assert (status, headers["Content-Type"]) == (200, "text/plain")
    lines = body.decode().splitlines()
    count = ":tensorflow:serving:request_count"
    assert f'{count}{{model_name="bat",status="OK"}} 1' in lines
    assert f'{count}{{model_name="bat",status="INVALID_ARGUMENT"}} 1' in lines
    latency = ":tensorflow:serving:request_latency_count"
    assert f'{latency}{{model_name="bat",API="predict",entrypoint="REST"}} 1' in lines


def test_sigterm_answers_what_is_under_way_and_does_not_wait_for_idle_connections(models, tmp_path):
    gate = tmp_path / "held"
    gate.touch()
    with serving(f"--model_config_file={models}", "--rest_api_port=0") as server:
        idle = connect(server)
        idle.request("GET", "/v1/models/gen")
        idle.getresponse().read()
        document = {
            "signature_name": "held",
            "instances": [{"latent": [0.0] * 64, "gate": str(gate)}],
        }
        busy = connect(server)
        busy.request("POST", "/v1/models/bat:predict", json.dumps(document))
        stopping = threading.Thread(target=server.end)
        stopping.start()
        wait_for(server.process, lambda: "local stand-in: stopping" in server.lines)
        gate.unlink()
        response = busy.getresponse()
        assert response.status == 200
        assert json.loads(response.read()) == {"predictions": [1]}
        stopping.join(PATIENCE_SECS)
        assert server.process.returncode == 0
