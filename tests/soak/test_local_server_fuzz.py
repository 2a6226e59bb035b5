"""Damage sent to the local server: noise on its port, and requests that are wrong in every way."""

import collections
import socket
from pathlib import Path

import grpc
import numpy as np
import pytest

from local_server_process import serving
from serving_cases.models import save_gen, weights_of
from wire_mutations import junk, mutations

CONNECTIONS = 400
REQUESTS = 10_000
TIMEOUT_SECS = 2.0
MOST_GROWTH_MIB = 20


@pytest.fixture(scope="module")
def gen(tmp_path_factory):
    """Flags that serve a model."""
    folder = tmp_path_factory.mktemp("gen")
    save_gen(1, folder / "1")
    return ("--model_name=gen", f"--model_base_path={folder}")


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
def test_noise_on_the_port_does_no_harm(gen):
    generator = np.random.default_rng(1)
    with serving(*gen) as server:
        for number in range(CONNECTIONS):
            if number == CONNECTIONS // 2:
                halfway_mib = memory_mib(server)
            send_junk(server.grpc_address, junk(generator))
        check_answers(server)
        growth_mib = memory_mib(server) - halfway_mib
        assert server.process.poll() is None
    print(f"noise: {CONNECTIONS} connections, memory {growth_mib:+.1f} MiB over the second half")
    assert growth_mib < MOST_GROWTH_MIB
    assert server.process.returncode == 0


@pytest.mark.soak
def test_ten_thousand_damaged_requests_are_each_answered(gen):
    codes = collections.Counter()
    faults = collections.Counter()
    with serving(*gen, "--grpc_max_threads=16") as server:
        calls = {}
        for number, (method, data) in enumerate(mutations(REQUESTS, seed=2)):
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
        check_answers(server)
    print(f"damaged: {dict(codes)}, memory {growth_mib:+.1f} MiB over the second half, {faults}")
    assert sum(codes.values()) == REQUESTS
    assert len(codes) > 4
    assert set(faults) <= {"The request cannot be parsed."}
    assert growth_mib < MOST_GROWTH_MIB
    assert server.process.returncode == 0
