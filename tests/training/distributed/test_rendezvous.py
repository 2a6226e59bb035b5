"""How workers are named and meet: real sockets, several threads in place of machines."""

import contextlib
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from psgan_tf.training.distributed.cluster import Cluster
from psgan_tf.training.distributed.rendezvous import meet
from run_programs import free_ports


def tf_config(workers=("a:1", "b:2"), index=0, kind="worker", **jobs):
    return json.dumps(
        {"cluster": {"worker": list(workers), **jobs}, "task": {"type": kind, "index": index}}
    )


def test_the_first_worker_is_the_chief(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", tf_config(["first:2222", "[::1]:2223"], 1))
    cluster = Cluster.from_environment()
    assert cluster == Cluster(("first:2222", "[::1]:2223"), 1)
    assert (cluster.num_workers, cluster.is_chief) == (2, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`TF_CONFIG` must name all workers under --multi_worker. Received: nothing"),
        ("{", "`TF_CONFIG` must be of the form .* Received: Expecting property name"),
        ("[]", "Received: no `cluster`"),
        ('{"cluster": {}}', "Received: no `worker`"),
        ('{"cluster": {"worker": "a:1"}}', "Received: `worker` of 'a:1'"),
        (tf_config([]), "Received: 0 addresses of 0 workers"),
        (tf_config(["a:1", "a:1"]), "Received: 1 addresses of 2 workers"),
        (tf_config(["a"]), "Received: an address 'a'"),
        (tf_config(["a:66000"]), "Received: an address 'a:66000'"),
        (tf_config([7]), "Received: an address 7"),
        (tf_config(ps=["c:3"]), "Received: a job 'ps'"),
        ('{"cluster": {"worker": ["a:1"]}}', "Received: no `task`"),
        (tf_config(kind="chief"), "Received: a task of type 'chief'"),
        (tf_config(index=2), "Received: index 2 with 2 workers"),
        (tf_config(index=-1), "Received: index -1"),
        (tf_config(index="0"), "Received: `index` of '0'"),
        (tf_config(index=True), "Received: `index` of True"),
    ],
)
def test_a_wrong_tf_config_is_refused_with_what_is_wrong(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message) as refused:
        Cluster.from_environment()
    assert "\n" not in str(refused.value)


def clusters(count):
    addresses = tuple(f"localhost:{port}" for port in free_ports(count))
    return [Cluster(addresses, index) for index in range(count)]


def meet_all(members, facts, wait_secs=30.0):
    """What each worker comes to: True, False, or the text of its refusal."""

    def come(cluster):
        try:
            return meet(cluster, facts[cluster.index], lambda: False, wait_secs)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(come, members))


def test_workers_of_one_mind_meet():
    assert meet_all(clusters(3), 3 * [{"batch_size": "4"}]) == [True, True, True]


def test_one_that_differs_is_named_to_all():
    facts = [{"seed": "0", "batch_size": n} for n in ("4", "4", "8")]
    refusals = meet_all(clusters(3), facts)
    assert set(refusals) == {
        "`batch_size` must be the same for all workers. Received: 4 at worker 0, 8 at worker 2. "
        "Start all with the same flags, and with folders that all of them see."
    }


def test_workers_that_know_of_other_workers_do_not_meet():
    chief, first = clusters(2)
    larger = Cluster((*first.addresses, "elsewhere:1"), 1)
    refusals = meet_all([chief, larger], [{}, {}])
    assert len(set(refusals)) == 1
    assert refusals[0].startswith("`TF_CONFIG` must be the same for all workers.")


def test_who_does_not_come_is_named():
    chief, first, second = clusters(3)
    said = meet_all([chief, first], [{}, {}], wait_secs=1.5)
    assert f"no word from worker 2 at {second.addresses[2]} within 2s" in said[0]
    (said,) = meet_all([first], [{}, {}], wait_secs=0.5)
    assert f"no word from worker 0 at {chief.addresses[0]}" in said


def test_a_port_that_is_taken_is_named():
    chief, _ = clusters(2)
    port = int(chief.addresses[0].split(":")[1])
    with (
        socket.create_server(("", port)),
        pytest.raises(ValueError, match=f"a free port. Received: {port} for worker 0"),
    ):
        meet(chief, {}, lambda: False)


def test_asked_to_stop_nobody_waits_on():
    for cluster in clusters(2):
        assert not meet(cluster, {}, lambda: True)


def test_strangers_and_workers_that_died_are_not_waited_for():
    chief, first, second = clusters(3)
    address = ("localhost", int(chief.addresses[0].split(":")[1]))
    with ThreadPoolExecutor(3) as pool:
        met = pool.submit(meet, chief, {}, lambda: False, 60.0)
        for words in (b"PRI * HTTP/2.0\r\n\r\n", b"\n", b"[1]\n", b'{"worker": 1}\n'):
            with called(address) as call:
                call.sendall(words)
                assert call.recv(1) == b""  # hung up on
        with called(address) as call:  # says hello, and is killed
            call.sendall(b'{"worker": 1, "facts": {}}\n')
        time.sleep(0.5)
        others = [pool.submit(meet, second, {}, lambda: False, 60.0)]
        time.sleep(0.5)
        assert not met.done()
        others.append(pool.submit(meet, first, {}, lambda: False, 60.0))
        assert all(other.result() for other in (met, *others))


@contextlib.contextmanager
def called(address):
    for _ in range(100):
        with contextlib.suppress(ConnectionRefusedError):
            call = socket.create_connection(address, 20)
            break
        time.sleep(0.05)
    with call:
        yield call


def test_a_chief_that_is_started_again_is_called_again():
    chief, other = clusters(2)
    gone = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        met = pool.submit(meet, other, {}, lambda: False, 60.0)
        threading.Timer(0.7, gone.set).start()
        # Of three workers, so that it waits on and is stopped meanwhile.
        three = Cluster((*chief.addresses, "localhost:1"), 0)
        assert not meet(three, {}, gone.is_set)
        assert meet(chief, {}, lambda: False, 60.0)
        assert met.result()
