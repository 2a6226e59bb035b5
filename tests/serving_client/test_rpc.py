"""What the client repeats, what it does not, and how it keeps order: over real sockets."""

import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import grpc
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from psgan_tf.serving_client.client import Question, RemoteModel
from psgan_tf.serving_client.rpc import RemoteError, Tls
from scripted_server import DOUBLING, scripted_server, signature

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "2 batches enqueued")
THREADS = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")


def question(*firsts):
    return Question("double", {"x": np.array([[first, 0, 0] for first in firsts], np.float32)})


@pytest.fixture
def server():
    with scripted_server() as (servicer, address):
        servicer.address = address
        yield servicer


def remote(server, **arguments):
    return RemoteModel(server.address, "toy", **arguments)


def test_an_answer_has_the_outputs_and_the_version_that_made_them(server):
    server.version = 7
    with remote(server) as model:
        answer = model.predict(question(1.5, -4))
    assert answer.version == 7
    np.testing.assert_array_equal(answer.outputs["y"], [[3, 0, 0], [-8, 0, 0]])


@pytest.mark.parametrize("failure", [UNAVAILABLE, THREADS])
def test_what_may_pass_by_itself_is_tried_again_after_growing_pauses(server, failure):
    server.script = [failure] * 4
    with remote(server) as model:
        assert model.predict(question(1)).outputs["y"][0, 0] == 2
    pauses = np.diff(server.arrivals)
    assert len(pauses) == 4
    # 0.05, 0.1, 0.2 and 0.4 s, each shortened by up to half.
    assert (pauses >= [0.025, 0.05, 0.1, 0.2]).all()


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("RESOURCE_EXHAUSTED", "CLIENT: Received message larger than max (12582989 vs. 4194304)"),
        ("INVALID_ARGUMENT", "Missing ModelSpec"),
        ("FAILED_PRECONDITION", 'Serving signature key "foo" not found.'),
        ("NOT_FOUND", "Servable not found for request: Latest(toy)"),
        ("INTERNAL", "XLA compilation disabled"),
    ],
)
def test_what_stays_wrong_is_asked_once_and_told_in_the_server_s_words(server, code, details):
    server.script = [(grpc.StatusCode[code], details)] * 2
    with remote(server) as model, pytest.raises(RemoteError) as caught:
        model.predict(question(1))
    assert (caught.value.code, caught.value.details) == (code, details)
    assert server.address in str(caught.value)
    assert details in str(caught.value)
    assert len(server.arrivals) == 1


def test_a_busy_server_is_given_up_when_the_time_for_it_is_over(server):
    server.script = [UNAVAILABLE] * 1000
    with remote(server, retry_secs=0.5) as model, pytest.raises(RemoteError) as caught:
        model.predict(question(1))
    assert caught.value.code == "UNAVAILABLE"
    assert 2 <= len(server.arrivals) <= 20


def test_a_server_that_starts_later_is_waited_for():
    with scripted_server() as (_, address):
        pass  # its port is free again
    with RemoteModel(address, "toy", retry_secs=60) as model, ThreadPoolExecutor() as pool:
        waiting = pool.submit(model.predict, question(21))
        time.sleep(0.3)
        assert not waiting.done()
        with scripted_server(port=int(address.split(":")[1])):
            assert waiting.result(60).outputs["y"][0, 0] == 42


def test_no_server_is_one_error_that_says_where_to_look():
    told = pytest.raises(RemoteError, match=r"^localhost:1: UNAVAILABLE: .*Look whether")
    with RemoteModel("localhost:1", "toy", retry_secs=0) as model, told:
        model.status()


def test_an_answer_that_takes_too_long_ends_at_its_deadline(server):
    server.delay_secs = lambda first: 2.0
    with remote(server, timeout_secs=0.3) as model:
        model.signatures()
        with pytest.raises(RemoteError) as caught:
            model.predict(question(1))
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert len(server.arrivals) == 1


def test_messages_over_4_mib_pass_both_ways(server):
    rows = np.zeros([400_000, 3], np.float32)  # 4.8 MB
    with remote(server) as model:
        answer = model.predict(Question("double", {"x": rows}))
    assert answer.outputs["y"].shape == rows.shape


def test_wrong_inputs_are_refused_before_anything_is_sent(server):
    with remote(server) as model:
        with pytest.raises(ValueError, match=r"`x` must be float32 \[N, 3\]"):
            model.predict(Question("double", {"x": np.zeros([1, 4], np.float32)}))
        with pytest.raises(ValueError, match="`signature` must be one of double"):
            model.predict(Question("triple", {"x": np.zeros([1, 3], np.float32)}))
    assert server.arrivals == []


def test_signatures_are_asked_again_after_another_version_has_answered(server):
    with remote(server) as model:
        model.predict(question(1))
        model.predict(question(1))
        assert server.metadata_requests == 1
        server.version = 2
        server.signatures = {**DOUBLING, "new": signature({}, {})}
        model.predict(question(1))
        version, signatures = model.signatures()
    assert (version, list(signatures)) == (2, ["double", "new"])
    assert server.metadata_requests == 2


def test_a_version_and_a_label_exclude_each_other():
    with pytest.raises(ValueError, match="`version` and `label` exclude each other"):
        RemoteModel("localhost:1", "toy", version=1, label="stable")


def test_a_stream_answers_in_order_with_as_many_under_way_as_allowed(server):
    # The first of each four takes longest.
    server.delay_secs = lambda first: 0.02 * (3 - first % 4)
    server.script = [THREADS, UNAVAILABLE]
    with remote(server) as model:
        answers = list(model.stream((question(n) for n in range(20)), in_flight=4))
    assert [answer.outputs["y"][0, 0] for answer in answers] == [2 * n for n in range(20)]
    assert 2 <= server.most_at_once <= 4


def test_a_stream_takes_questions_only_as_answers_are_taken(server):
    taken = []

    def questions():
        for n in range(100):
            taken.append(n)
            yield question(n)

    with remote(server) as model:
        stream = model.stream(questions(), in_flight=3)
        for _ in range(5):
            next(stream)
        assert len(taken) == 3 + 4
        stream.close()


def test_a_failure_in_a_stream_keeps_what_came_before_and_gives_the_rest_up(server):
    def halved(x):
        if x[0, 0] == 5:
            raise RuntimeError("the sixth picture fails")
        return x / 2

    server.answer = halved
    server.delay_secs = lambda first: 30.0 if first > 5 else 0.0
    seen = []
    start = time.monotonic()
    with remote(server) as model:
        stream = model.stream((question(n) for n in range(100)), in_flight=4)
        answers = (answer.outputs["y"][0, 0] for answer in stream)
        with pytest.raises(RemoteError):
            seen.extend(answers)
    assert seen == [0, 0.5, 1, 1.5, 2]
    assert time.monotonic() - start < 20, "what was under way was waited for"


def test_threads_share_a_model_and_each_gets_its_own_answer(server):
    with remote(server) as model, ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: model.predict(question(n)).outputs["y"][0, 0], range(200))
        assert list(answers) == [2 * n for n in range(200)]
    assert server.metadata_requests == 1


# ------------------------------------------------------------------------------------------------
# TLS.


def certificate():
    """A key and a certificate for localhost that vouches for itself, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, made.public_bytes(serialization.Encoding.PEM)


def test_tls_is_spoken_with_a_server_that_the_root_certificates_vouch_for():
    key, pem = certificate()
    _, stranger = certificate()
    credentials = grpc.ssl_server_credentials([(key, pem)], pem, require_client_auth=True)
    with scripted_server(credentials) as (_, address):
        known = Tls(root_certificates=pem, client_key=key, client_certificate=pem)
        with RemoteModel(address, "toy", tls=known) as model:
            assert model.predict(question(3)).outputs["y"][0, 0] == 6
        for tls in (Tls(root_certificates=stranger), Tls(root_certificates=pem), None):
            refused = pytest.raises(RemoteError, match="UNAVAILABLE")
            with RemoteModel(address, "toy", tls=tls, retry_secs=0) as model, refused:
                model.predict(question(3))
