"""The local server as a process: switches under load, limits, TLS, faults, and its end."""

import concurrent.futures
import signal
import socket
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from local_server_process import PATIENCE_SECS, error_of, predict_request, serving
from run_programs import run
from serving_cases.models import save_bat, save_gen, weights_of
from serving_cases.replay import Client

LATENT = np.zeros((1, 64), np.float32)
POSE = np.ones((1, 32, 32, 4), np.float32)
PLAIN = {"latent": LATENT, "pose": POSE}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """gen-1, gen-2, gen-3 and bat, to be linked to where a test wants them."""
    folder = tmp_path_factory.mktemp("saved")
    for version in (1, 2, 3):
        save_gen(version, folder / f"gen-{version}")
    save_bat(folder)
    return folder


@pytest.fixture
def gen(saved, tmp_path):
    """A model's folder with version 2."""
    return link(saved / "gen-2", tmp_path / "gen" / "2").parent


def link(version, place):
    """Makes a saved version appear, whole and at once."""
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(version, target_is_directory=True)
    return place


def wait_until(condition):
    end = time.monotonic() + PATIENCE_SECS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def held(gate):
    """Inputs of a graph that runs for as long as a file is there."""
    gate.touch()
    return {"latent": LATENT, "gate": np.array([str(gate).encode()], object)}


def faults_of(request_inputs, answer):
    """Whether a picture is that of its own latent, by the version that the answer names."""
    version = answer.model_spec.version.value
    images = np.array(answer.outputs["images"].float_val).reshape(-1, 32, 32, 3)
    colours = np.tanh(request_inputs["latent"] @ weights_of(version))[:, None, None, :]
    expected = colours * request_inputs["pose"][..., :3] + version
    return not np.allclose(images, expected, atol=1e-5)


def test_a_switch_under_load_fails_nobody_and_mixes_up_nothing(gen, saved):
    flags = ("--model_name=gen", f"--model_base_path={gen}", "--grpc_max_threads=32")
    flags += ("--load_retry_interval_micros=86400000000", "--file_system_poll_wait_seconds=0.2")
    with serving(*flags) as server:
        client = Client(server.grpc_address)
        ended = threading.Event()

        def ask(seed):
            random = np.random.default_rng(seed)
            versions, wrong = [], 0
            while not ended.is_set():
                latent = random.normal(size=(int(random.integers(1, 4)), 64)).astype(np.float32)
                inputs = {"latent": latent, "pose": np.repeat(POSE, len(latent), axis=0)}
                request = predict_request("gen", inputs)
                answer = server.prediction.Predict(request, timeout=PATIENCE_SECS)
                versions.append(answer.model_spec.version.value)
                wrong += faults_of(inputs, answer)
            return versions, wrong

        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            answers = [clients.submit(ask, seed) for seed in range(4)]
            link(saved / "gen-3", gen / "3")
            wait_until(lambda: client.states("gen") == ["3 AVAILABLE", "2 END"])
            ended.set()
        for answer in answers:
            versions, wrong = answer.result()  # raises what a request raised
            assert (wrong, versions) == (0, sorted(versions))
            assert set(versions) <= {2, 3}
        check_what_an_incomplete_version_does(server, client, gen, saved)
        check_that_nothing_of_python_is_loaded(server.process.pid)
        client.close()
        assert server.end() == 0  # the next try of version 4 is a day away


def check_what_an_incomplete_version_does(server, client, gen, saved):
    """It blocks: filled in or deleted, neither it nor any other version is seen until a retry."""
    (gen / "4").mkdir()
    wait_until(lambda: client.states("gen")[0] == "4 LOADING")
    stuck = ["4 LOADING", "3 AVAILABLE", "2 END"]
    (gen / "4").rename(gen / "tmp-4")
    link(saved / "gen-1", gen / "4")
    time.sleep(0.5)
    assert client.states("gen") == stuck
    (gen / "4").unlink()
    (gen / "3").unlink()
    time.sleep(0.5)
    assert client.states("gen") == stuck
    answer = server.prediction.Predict(predict_request("gen", PLAIN), timeout=PATIENCE_SECS)
    assert answer.model_spec.version.value == 3


def check_that_nothing_of_python_is_loaded(process_id):
    """Else a py_function would run here, and fail on the stock server."""
    loaded = Path(f"/proc/{process_id}/maps").read_text(encoding="utf-8")
    assert "libtensorflow_cc" in loaded
    assert "_pywrap_tensorflow" not in loaded


@pytest.fixture
def bat(saved, tmp_path):
    """A model's folder with a version whose graph can be held."""
    return link(saved / "bat" / "1", tmp_path / "bat" / "1").parent


def test_limits_and_faults_are_answered_and_the_server_goes_on(bat, tmp_path):
    flags = ("--model_name=bat", f"--model_base_path={bat}", "--grpc_max_threads=4")
    more = ("--max_message_megabytes=1", "--max_num_load_retries=0", "--drain_secs=300")
    fast = "--file_system_poll_wait_seconds=0.1"
    with serving(*flags, *more, fast) as server:
        check_the_thread_limit(server, tmp_path / "gate")
        check_what_is_no_request(server)
        check_a_broken_version(server, bat)
        unknown = server.channel.unary_unary("/tensorflow.serving.ModelService/Unknown")
        assert error_of(lambda: unknown(b"", timeout=PATIENCE_SECS)).startswith("UNIMPLEMENTED")
        check_that_a_deadline_ends_a_graph(server, tmp_path / "gate")
        check_that_a_cancelled_call_holds_up_nobody(server, tmp_path / "gate")
        check_that_sigterm_drains(server, tmp_path / "gate")


def check_the_thread_limit(server, gate):
    """Of 4 threads one waits for requests, as the stock server's does."""
    with concurrent.futures.ThreadPoolExecutor(12) as clients:
        inputs = held(gate)
        calls = [
            clients.submit(error_of, lambda: server.predict("bat", inputs, "held"))
            for _ in range(12)
        ]
        wait_until(lambda: sum(call.done() for call in calls) == 9)
        gate.unlink()
        answers = [call.result() for call in calls]
    assert answers.count("RESOURCE_EXHAUSTED: Server Threadpool Exhausted") == 9
    assert sum("rows" in answer for answer in answers) == 3


def check_what_is_no_request(server):
    large = {"latent": np.zeros((6000, 64), np.float32)}
    refused = error_of(lambda: server.predict("bat", large))
    assert refused.startswith("RESOURCE_EXHAUSTED")
    assert "larger than max" in refused
    predict = server.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    junk = error_of(lambda: predict(b"\xff" * 100, timeout=PATIENCE_SECS))
    assert junk == "INTERNAL: The request cannot be parsed."
    assert "images" in server.predict("bat", {"latent": LATENT})


def check_a_broken_version(server, base_path):
    (base_path / "2").mkdir()
    request = GetModelStatusRequest(model_spec={"name": "bat"})

    def newest():
        return server.models.GetModelStatus(request).model_version_status[0]

    wait_until(lambda: newest().version == 2 and newest().state == newest().END)
    assert newest().status.error_code == 5
    assert "Could not find SavedModel .pb or .pbtxt" in newest().status.error_message
    assert "images" in server.predict("bat", {"latent": LATENT})


def check_that_a_deadline_ends_a_graph(server, gate):
    """Its thread is free again, though its file is still there."""
    for _ in range(4):
        late = error_of(lambda: server.predict("bat", held(gate), "held", timeout=0.2))
        assert late == "DEADLINE_EXCEEDED: Deadline Exceeded"
    wait_until(lambda: "images" in error_of(lambda: server.predict("bat", {"latent": LATENT})))
    gate.unlink()


def check_that_a_cancelled_call_holds_up_nobody(server, gate):
    call = server.prediction.Predict.future(predict_request("bat", held(gate), "held"))
    time.sleep(0.2)
    assert call.cancel()
    assert "images" in server.predict("bat", {"latent": LATENT})
    gate.unlink()


def check_that_sigterm_drains(server, gate):
    """What is under way is answered; what comes later is refused; then it ends with 0."""
    with concurrent.futures.ThreadPoolExecutor(1) as clients:
        running = clients.submit(server.predict, "bat", held(gate), "held")
        time.sleep(0.3)
        assert not running.done()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "local server: stopping" in server.lines)
        late = error_of(lambda: server.predict("bat", {"latent": LATENT}))
        assert isinstance(late, str)
        assert late.startswith("UNAVAILABLE")
        gate.unlink()
        assert "rows" in running.result()
    assert server.process.wait(PATIENCE_SECS) == 0


def test_a_graph_without_end_does_not_keep_the_server_from_ending(bat, tmp_path):
    with serving(f"--model_base_path={bat}", "--drain_secs=0.3") as server:
        inputs = held(tmp_path / "gate")
        with concurrent.futures.ThreadPoolExecutor(1) as clients:
            lost = clients.submit(error_of, lambda: server.predict("default", inputs, "held"))
            time.sleep(0.3)
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(PATIENCE_SECS) == 0
            assert lost.result().startswith(("UNAVAILABLE", "CANCELLED"))


def certificate(folder, name):
    """A key and a certificate that signs itself, for localhost; both as PEM."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(named, named, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, signed.public_bytes(serialization.Encoding.PEM)


def test_tls_with_client_certificates_takes_those_it_knows(gen, tmp_path):
    server_key, server_certificate = certificate(tmp_path, "server")
    client_key, client_certificate = certificate(tmp_path, "client")
    file = tmp_path / "ssl.config"
    file.write_text(
        f'server_key: "{server_key.decode()!s}"'.replace("\n", "\\n")
        + f' server_cert: "{server_certificate.decode()}"'.replace("\n", "\\n")
        + f' custom_ca: "{client_certificate.decode()}" client_verify: true'.replace("\n", "\\n"),
        encoding="utf-8",
    )
    flags = ("--model_name=gen", f"--model_base_path={gen}", f"--ssl_config_file={file}")
    with serving(*flags, "--host=localhost") as server:
        known = grpc.ssl_channel_credentials(server_certificate, client_key, client_certificate)
        fingerprint_warnings = grpc.ssl_channel_credentials(server_certificate)
        answers = []
        for credentials in (known, fingerprint_warnings, None):
            channel = (
                grpc.secure_channel(server.grpc_address, credentials)
                if credentials
                else grpc.insecure_channel(server.grpc_address)
            )
            stub = PredictionServiceStub(channel)
            answers.append(error_of(lambda: stub.Predict(predict_request("gen", PLAIN), timeout=5)))  # noqa: B023
            channel.close()
    assert answers[0].model_spec.version.value == 2
    assert all(answer.startswith("UNAVAILABLE") for answer in answers[1:])


def start_faults(folder, port):
    """Flags that cannot work, each with a part of what is said."""
    (folder / "empty").mkdir()
    (folder / "broken" / "1").mkdir(parents=True)
    (folder / "bad.config").write_text("model_config_list {", encoding="utf-8")
    (folder / "relative.config").write_text(
        'model_config_list { config { name: "a" base_path: "a" model_platform: "tensorflow" } }',
        encoding="utf-8",
    )
    return {
        (): "Give either `model_config_file`",
        (f"--model_base_path={folder}/none",): "Could not find base path",
        (f"--model_base_path={folder}/empty",): "No versions of servable default found",
        (
            f"--model_base_path={folder}/broken",
        ): "{{{name: default version: 1} due to error: NOT_FOU",
        (f"--model_config_file={folder}/bad.config",): "no ModelServerConfig in text format",
        (f"--model_config_file={folder}/relative.config",): "to have an absolute path or URI",
        (
            f"--model_base_path={folder}",
            f"--port={port}",
        ): "`port` must be free, and `host`",
        (f"--model_base_path={folder}", f"--ssl_config_file={folder}/bad.config"): "no SSLConfig",
    }


def test_a_start_that_fails_is_one_line_and_a_status(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        faults = start_faults(tmp_path, taken.getsockname()[1])
        with concurrent.futures.ThreadPoolExecutor(2) as starters:
            ended = starters.map(lambda flags: run("export.serve", "--port=0", *flags), faults)
            for (status, output), expected in zip(ended, faults.values(), strict=True):
                *log, line = output.splitlines()
                assert status == 1, output
                assert line.startswith("serve: ")
                assert expected in line
                assert all(told.startswith("local server: default version 1") for told in log)
