"""Batching over real sockets on a real graph, against what the stock server was seen to answer.

The cases are those of its batching transcripts: allowed sizes 2 and 4, one batch thread, a queue of
two batches. What the stand-in does otherwise: a request whose deadline is over leaves the queue at
once, and one whose rows are of another dtype than its neighbours' fails with them as INTERNAL.
"""

import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from run_programs import PATIENCE_SECS, wait_for
from standin_models import save_batched
from standin_process import error_of, serving

PARAMETERS = """
max_batch_size { value: 4 }
batch_timeout_micros { value: 1500000 }
max_enqueued_batches { value: 2 }
num_batch_threads { value: %d }
allowed_batch_sizes: 2
allowed_batch_sizes: 4
"""
MONITORING = 'prometheus_config { enable: true path: "/numbers" }'
ODD_SHAPE = (
    "FAILED_PRECONDITION: Tensors with name 'serving_default_latent:0' from different tasks have "
    "different shapes and padding is turned off. Set pad_variable_length_inputs to true, or ensure "
    "that all tensors with the same name have equal dimensions starting with the first dim."
)


@pytest.fixture(scope="module")
def bat(tmp_path_factory):
    return save_batched(tmp_path_factory.mktemp("models"))


def batching(folder, model, threads, *more):
    """Flags of a stand-in that batches."""
    (folder / "batching").write_text(PARAMETERS % threads)
    (folder / "monitoring").write_text(MONITORING)
    return [
        "--model_name=bat",
        f"--model_base_path={model}",
        "--grpc_max_threads=64",
        "--enable_batching",
        f"--batching_parameters_file={folder / 'batching'}",
        "--rest_api_port=0",
        f"--monitoring_config_file={folder / 'monitoring'}",
        *more,
    ]


@pytest.fixture(scope="module")
def server(bat, tmp_path_factory):
    with serving(*batching(tmp_path_factory.mktemp("flags"), bat, threads=1)) as running:
        yield running


def latents(rows, value=0.0, width=64, dtype=np.float32):
    return np.full((rows, width), value, dtype)


def rows_seen(server, inputs, signature="", timeout=PATIENCE_SECS):
    """The rows that the graph saw, once for each row asked for."""
    answer = server.predict("bat", inputs, signature, ["rows"], timeout)
    return list(answer["rows"].int_val)


def at_once(calls):
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(error_of, call) for call in calls]
        return [future.result(PATIENCE_SECS) for future in futures]


def taken_from_queues(server):
    """How many requests have left their queue for a batch that runs."""
    with urllib.request.urlopen(f"{server.rest_url}/numbers") as page:
        found = re.search(r"queuing_latency_count\{.*?\} (\d+)", page.read().decode())
    return int(found[1]) if found else 0


def held(gate, rows=1):
    return {"latent": latents(rows), "gate": np.array([str(gate).encode()] * rows, object)}


def test_a_single_request_is_filled_up_to_two(server):
    assert rows_seen(server, {"latent": latents(1)}) == [2]


def test_eight_at_once_run_as_two_batches_of_four(server):
    calls = [lambda: rows_seen(server, {"latent": latents(1)})] * 8
    assert at_once(calls) == [[4]] * 8


def test_three_one_and_two_at_once_share_batches_and_keep_their_rows(server):
    answers = at_once(
        [
            lambda: server.predict("bat", {"latent": latents(3, 1.0)}),
            lambda: server.predict("bat", {"latent": latents(1, 2.0)}),
            lambda: server.predict("bat", {"latent": latents(2, 3.0)}),
        ]
    )
    images = [np.array(answer["images"].float_val).reshape(-1, 192) for answer in answers]
    assert [len(image) for image in images] == [3, 1, 2]
    for value, image in enumerate(images, start=1):
        assert np.allclose(image, images[1][0] * value / 2, rtol=1e-4)
    assert {answer["rows"].int_val[0] for answer in answers} <= {2, 4}


@pytest.mark.parametrize(
    ("signature", "inputs", "expected"),
    [
        (
            "",
            {"latent": latents(5)},
            "INVALID_ARGUMENT: Task size 5 is larger than maximum input batch size 4",
        ),
        (
            "any_psi",
            {"latent": latents(1), "psi": np.float32(1)},
            "INVALID_ARGUMENT: Batching Run() input tensors must have at least one dimension",
        ),
        (
            "with_psi",
            {"latent": latents(1), "psi": np.ones(2, np.float32)},
            "INVALID_ARGUMENT: Batching Run() input tensors must have equal 0th-dimension size",
        ),
        (
            "mean",
            {"latent": latents(4)},
            "FAILED_PRECONDITION: Batched output tensor has 0 dimensions",
        ),
        (
            "",
            {"latent": latents(4, width=63)},
            "INVALID_ARGUMENT: Matrix size-incompatible: In[0]: [4,63], In[1]: [64,192]\n\t [[{{",
        ),
        (
            "",
            {"latent": latents(4, dtype=np.float64)},
            "INVALID_ARGUMENT: Expects arg[0] to be float but double is provided",
        ),
    ],
)
def test_a_request_that_fails_says_what_the_stock_server_says(server, signature, inputs, expected):
    answer = error_of(lambda: server.predict("bat", inputs, signature))
    assert answer.startswith(expected)
    assert answer == expected or "{{" in expected  # after that comes the node's name


def test_a_psi_for_each_row_and_an_output_filter_run(server):
    psi = np.float32([1, 2, 3, 4])
    answer = server.predict("bat", {"latent": latents(4, 1.0), "psi": psi}, "with_psi")
    scaled = np.array(answer["scaled"].float_val).reshape(4, 64)
    assert scaled[:, 0].tolist() == psi.tolist()
    assert rows_seen(server, {"latent": latents(4)}) == [4] * 4


def test_an_odd_shape_in_the_same_batch_fails_both(server):
    calls = [
        lambda: server.predict("bat", {"latent": latents(2)}),
        lambda: server.predict("bat", {"latent": latents(2, width=63)}),
    ]
    assert at_once(calls) == [ODD_SHAPE, ODD_SHAPE]


def test_of_thirty_slow_requests_twelve_run_and_eighteen_meet_a_full_queue(server, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    before = taken_from_queues(server)
    full = (
        "UNAVAILABLE: The batch scheduling queue to which this task was submitted is full; "
        "currently 2 batches enqueued and max_enqueued_batches is 2"
    )

    def call():
        return error_of(lambda: rows_seen(server, held(gate), "held"))

    with ThreadPoolExecutor(30) as pool:
        calls = [pool.submit(call) for _ in range(4)]
        wait_for(server.process, lambda: taken_from_queues(server) == before + 4)
        calls += [pool.submit(call) for _ in range(26)]
        wait_for(server.process, lambda: sum(future.done() for future in calls) == 18)
        gate.unlink()
        answers = [future.result(PATIENCE_SECS) for future in calls]
    assert answers.count(full) == 18
    assert answers.count([4]) == 12


def test_a_deadline_frees_the_only_batch_thread(server, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    late = error_of(lambda: rows_seen(server, held(gate, rows=4), "held", timeout=0.3))
    assert late == "DEADLINE_EXCEEDED: Deadline Exceeded"
    assert rows_seen(server, {"latent": latents(4)}) == [4] * 4
    gate.unlink()


def test_a_slow_signature_does_not_hold_up_another_while_a_thread_is_free(bat, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    with serving(*batching(tmp_path, bat, threads=2)) as server, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(rows_seen, server, held(gate, rows=4), "held")
        wait_for(server.process, lambda: taken_from_queues(server) == 1)
        for _ in range(5):
            assert rows_seen(server, {"latent": latents(4)}) == [4] * 4
        assert not slow.done()
        gate.unlink()
        assert slow.result(PATIENCE_SECS) == [4] * 4


def test_a_version_may_bring_its_own_parameters(tmp_path):
    model = save_batched(tmp_path)
    (model / "1" / "batching_params.pbtxt").write_text("max_batch_size { value: 3 }")
    flags = batching(tmp_path, model, 1, "--enable_per_model_batching_parameters")
    with serving(*flags) as server:
        assert rows_seen(server, {"latent": latents(1)}) == [1]
        assert error_of(lambda: rows_seen(server, {"latent": latents(4)})) == (
            "INVALID_ARGUMENT: Task size 4 is larger than maximum input batch size 3"
        )
