"""Warm-up of the stand-in: which records are run, and which make a load fail, and how."""

import struct
import urllib.request

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from batching_by_hand import outcome
from export.local_server.models.tfrecords import masked_crc32c, read_records
from export.local_server.models.warmup import WARMUP_FILE, replay_warmup
from standin_models import save_batched
from standin_process import predict_request, serving

NOT_RECORDS = "Please verify your warmup data is in TFRecord format."


def write(folder, *records):
    """A version folder whose warm-up file has these records, written by TensorFlow."""
    path = folder / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return folder


def log_of(request):
    log = PredictionLog()
    log.predict_log.request.CopyFrom(request)
    return log.SerializeToString()


def named(name):
    return PredictRequest(model_spec=ModelSpec(name=name))


# --- reading TFRecord files


def test_records_are_those_that_tensorflow_wrote(tmp_path):
    records = [b"", b"a", bytes(range(256)) * 50, b"last"]
    write(tmp_path, *records)
    assert list(read_records(tmp_path / WARMUP_FILE)) == records


def test_the_checksum_is_crc_32c():
    # The check value of the algorithm: CRC-32C of "123456789" is 0xE3069283.
    unmasked = (masked_crc32c(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (unmasked << 15 | unmasked >> 17) & 0xFFFFFFFF == 0xE3069283


@pytest.mark.parametrize("damaged_byte", range(0, 40, 3))
def test_any_changed_byte_is_found_and_told_as_tensorflow_tells_it(tmp_path, damaged_byte):
    path = write(tmp_path, b"first record", b"second record") / WARMUP_FILE
    data = bytearray(path.read_bytes())
    data[damaged_byte] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"(corrupted|truncated) record at \d+") as ours:
        list(read_records(path))
    with pytest.raises(tf.errors.DataLossError) as theirs:
        list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    assert str(ours.value) in theirs.value.message


@pytest.mark.parametrize("length", [5, 12, 20, 35])
def test_a_file_that_was_cut_off_is_damaged(tmp_path, length):
    path = write(tmp_path, b"first record", b"second record") / WARMUP_FILE
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"truncated record at \d+"):
        list(read_records(path))


def test_a_record_that_claims_to_be_enormous_takes_no_memory(tmp_path):
    length = struct.pack("<Q", 2**60)
    path = tmp_path / "claims"
    path.write_bytes(length + struct.pack("<I", masked_crc32c(length)) + b"data")
    with pytest.raises(ValueError, match="truncated record at 12"):
        list(read_records(path))


# --- replaying them


def test_a_version_without_the_file_is_not_warmed_up(tmp_path):
    assert replay_warmup(tmp_path, lambda request: pytest.fail("nothing to run")) == 0


def test_each_request_is_run_once_and_in_order(tmp_path):
    names = ["a", "b", "a"]
    write(tmp_path, *[log_of(named(name)) for name in names])
    seen = []
    assert replay_warmup(tmp_path, lambda request: seen.append(request.model_spec.name)) == 3
    assert seen == names


def test_a_record_without_a_request_is_passed_over(tmp_path):
    write(tmp_path, PredictionLog().SerializeToString())
    assert replay_warmup(tmp_path, lambda request: pytest.fail("nothing to run")) == 1


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([b"\xff\xff"], "INVALID_ARGUMENT: Failed to parse warmup record: "),
        (
            [PredictionLog(session_run_log={}).SerializeToString()],
            "UNIMPLEMENTED: Unsupported log_type for warmup: 5",
        ),
        (
            [PredictionLog(classify_log={}).SerializeToString()],
            "UNIMPLEMENTED: Unsupported log_type for warmup: 2",
        ),
    ],
)
def test_a_record_that_cannot_be_run_fails_the_load(tmp_path, records, expected):
    write(tmp_path, *records)
    assert outcome(lambda: replay_warmup(tmp_path, lambda request: None)).startswith(expected)


def test_a_thousand_records_are_run_and_one_more_fails_the_load(tmp_path):
    record = log_of(named("a"))
    write(tmp_path, *[record] * 1000)
    assert replay_warmup(tmp_path, lambda request: None) == 1000
    write(tmp_path, *[record] * 1001)
    assert outcome(lambda: replay_warmup(tmp_path, lambda request: None)) == (
        "INVALID_ARGUMENT: Number of warmup records exceeds the maximum (1000) at "
        f"{tmp_path / WARMUP_FILE}"
    )


def test_what_is_no_tfrecord_file_is_data_loss(tmp_path):
    path = tmp_path / WARMUP_FILE
    path.parent.mkdir()
    path.write_text("These are not the records that you are looking for.")
    text = outcome(lambda: replay_warmup(tmp_path, lambda request: None))
    assert text == f"DATA_LOSS: corrupted record at 0. {NOT_RECORDS}"


# --- in a running stand-in


@pytest.fixture(scope="module")
def bat(tmp_path_factory):
    return save_batched(tmp_path_factory.mktemp("models"))


def good(latents=1, signature=""):
    return predict_request("any", {"latent": np.zeros((latents, 64), np.float32)}, signature)


def test_a_warmed_up_model_serves_and_the_metrics_say_so(bat, tmp_path):
    write(bat / "1", log_of(good()), log_of(good(2)), log_of(good(1, "mean")))
    monitoring = tmp_path / "monitoring"
    monitoring.write_text('prometheus_config { enable: true path: "/numbers" }')
    flags = [f"--model_base_path={bat}", "--rest_api_port=0", "--model_name=bat"]
    with serving(*flags, f"--monitoring_config_file={monitoring}") as server:
        assert server.predict("bat", {"latent": np.zeros((1, 64), np.float32)})["rows"].int_val == [
            1
        ]
        with urllib.request.urlopen(f"{server.rest_url}/numbers") as page:
            text = page.read().decode()
    assert ":tensorflow:serving:model_warmup_latency_count" in text


@pytest.mark.parametrize(
    ("request_", "flags", "expected"),
    [
        (good(1, "nope"), [], 'FAILED_PRECONDITION: Serving signature key "nope" not found.'),
        (good(9), ["--enable_batching"], "INVALID_ARGUMENT: Task size 9 is larger than maximum"),
    ],
)
def test_a_request_that_fails_keeps_the_model_from_serving(
    bat, tmp_path, request_, flags, expected
):
    write(bat / "1", log_of(good()), log_of(request_))
    parameters = tmp_path / "batching"
    parameters.write_text("max_batch_size { value: 4 }")
    if flags:
        flags = [*flags, f"--batching_parameters_file={parameters}"]
    options = ["--max_num_load_retries=0", "--load_retry_interval_micros=0", "--model_name=bat"]
    with pytest.raises(AssertionError, match="ended with 1") as ended:  # noqa: SIM117
        with serving(f"--model_base_path={bat}", *options, *flags):
            pass
    assert expected in str(ended.value)
