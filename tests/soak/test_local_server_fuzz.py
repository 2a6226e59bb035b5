"""Damage sent to the stand-in: noise on its ports, and requests that are wrong in every way."""

import collections
import socket
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving_cases.models import save_gen, weights_of
from standin_models import save_batched
from standin_process import serving
from wire_mutations import good_requests, junk, mutations

CONNECTIONS = 400
REQUESTS = 10_000
TIMEOUT_SECS = 2.0
MOST_GROWTH_MIB = 20


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save_gen(1, folder / "gen" / "1")
    save_batched(folder)
    (folder / "models.config").write_text(
        "model_config_list {"
        f' config {{ name: "gen" base_path: "{folder / "gen"}" model_platform: "tensorflow" }}'
        f' config {{ name: "bat" base_path: "{folder / "bat"}" model_platform: "tensorflow" }} }}'
    )
    return folder


def memory_mib(server):
    """What the server's process has in memory."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def check_answers(server):
    """A good request gets the picture that is its own."""
    latent = np.linspace(-1, 1, 64, dtype=np.float32)[None]
    pose = np.linspace(0, 1, 4096, dtype=np.float32).reshape(1, 32, 32, 4)
    answer = server.predict("gen", {"latent": latent, "pose": pose})["images"]
    expected = np.tanh(latent @ weights_of(1)) * pose[..., :3] + 1
    got = np.array(answer.float_val, np.float32).reshape(expected.shape)
    assert np.allclose(got, expected, atol=1e-5)


def send_junk(address, data):
    """Sends bytes and reads until the server has enough of it."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            return  # reset: also an answer


@pytest.mark.soak
def test_noise_on_both_ports_does_no_harm(models):
    generator = np.random.default_rng(1)
    flags = [f"--model_config_file={models / 'models.config'}", "--rest_api_port=0"]
    with serving(*flags) as server:
        addresses = [server.grpc_address, server.rest_url.removeprefix("http://")]
        for number in range(CONNECTIONS):
            if number == CONNECTIONS // 2:
                halfway_mib = memory_mib(server)
            send_junk(addresses[number % 2], junk(generator))
        check_answers(server)
        growth_mib = memory_mib(server) - halfway_mib
        assert server.process.poll() is None
    print(f"noise: {CONNECTIONS} connections, memory {growth_mib:+.1f} MiB over the second half")
    assert growth_mib < MOST_GROWTH_MIB
    assert server.process.returncode == 0


@pytest.mark.soak
@pytest.mark.parametrize("batching", [False, True])
def test_ten_thousand_damaged_requests_are_each_answered(models, batching):
    codes = collections.Counter()
    faults = collections.Counter()
    flags = [f"--model_config_file={models / 'models.config'}", "--grpc_max_threads=16"]
    with serving(*flags, *(["--enable_batching"] if batching else [])) as server:
        calls = {}
        for number, (method, data) in enumerate(mutations(REQUESTS, models / "gen", seed=2)):
            if number == REQUESTS // 2:
                halfway_mib = memory_mib(server)
            call = calls.setdefault(method, server.channel.unary_unary(method))
            try:
                call(data, timeout=TIMEOUT_SECS)
                codes["OK"] += 1
            except grpc.RpcError as error:
                codes[error.code().name] += 1
                if error.code() in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
                    faults[error.details()[:100]] += 1
        growth_mib = memory_mib(server) - halfway_mib
        assert server.process.poll() is None
        reload = good_requests(models / "gen")[-1][1]
        server.models.HandleReloadConfigRequest(reload, timeout=60)
        check_answers(server)
    print(f"damaged: {dict(codes)}, memory {growth_mib:+.1f} MiB over the second half, {faults}")
    assert sum(codes.values()) == REQUESTS
    assert len(codes) > 4
    assert set(faults) <= {"The request cannot be parsed."}
    assert growth_mib < MOST_GROWTH_MIB
    assert server.process.returncode == 0
