"""Warm-up of the local server: which records are run, and which make a load fail, and how."""

import struct

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from export.local_server.models.tfrecords import masked_crc32c, read_records
from export.local_server.models.warmup import WARMUP_FILE, replay_warmup
from export.tensorflow_c.status import StatusError
from local_server_process import predict_request, serving
from serving_cases.models import save_bat

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


def error_of_replaying(folder):
    with pytest.raises(StatusError) as caught:
        replay_warmup(folder, lambda request: None)
    return str(caught.value)


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
    replay_warmup(tmp_path, lambda request: pytest.fail("nothing to run"))


def test_each_request_is_run_once_and_in_order(tmp_path):
    names = ["a", "b", "a"]
    write(tmp_path, *[log_of(named(name)) for name in names])
    seen = []
    replay_warmup(tmp_path, lambda request: seen.append(request.model_spec.name))
    assert seen == names


def test_a_record_without_a_request_is_passed_over(tmp_path):
    write(tmp_path, PredictionLog().SerializeToString())
    replay_warmup(tmp_path, lambda request: pytest.fail("nothing to run"))


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
    assert error_of_replaying(tmp_path).startswith(expected)


def test_a_thousand_records_are_run_and_one_more_fails_the_load(tmp_path):
    record = log_of(named("a"))
    write(tmp_path, *[record] * 1000)
    seen = []
    replay_warmup(tmp_path, seen.append)
    assert len(seen) == 1000
    write(tmp_path, *[record] * 1001)
    assert error_of_replaying(tmp_path) == (
        "INVALID_ARGUMENT: Number of warmup records exceeds the maximum (1000) at "
        f"{tmp_path / WARMUP_FILE}"
    )


def test_what_is_no_tfrecord_file_is_data_loss(tmp_path):
    path = tmp_path / WARMUP_FILE
    path.parent.mkdir()
    path.write_text("These are not the records that you are looking for.")
    assert error_of_replaying(tmp_path) == f"DATA_LOSS: corrupted record at 0. {NOT_RECORDS}"


# --- in a running server


@pytest.fixture(scope="module")
def bat(tmp_path_factory):
    return save_bat(tmp_path_factory.mktemp("models"))


def good(latents=1, signature=""):
    return predict_request("any", {"latent": np.zeros((latents, 64), np.float32)}, signature)


def test_a_warmed_up_model_serves(bat):
    write(bat / "1", log_of(good()), log_of(good(2)))
    with serving(f"--model_base_path={bat}", "--model_name=bat") as server:
        answer = server.predict("bat", {"latent": np.zeros((1, 64), np.float32)})
        assert answer["rows"].int_val == [1]


@pytest.mark.parametrize("switch", ["--enable_model_warmup", "--noenable_model_warmup"])
def test_a_request_that_fails_keeps_the_model_from_serving_unless_it_is_not_run(bat, switch):
    write(bat / "1", log_of(good()), log_of(good(1, "nope")))
    flags = (f"--model_base_path={bat}", "--model_name=bat", switch)
    if switch.startswith("--no"):
        with serving(*flags) as server:
            assert server.predict("bat", {"latent": np.zeros((1, 64), np.float32)})
        return
    with pytest.raises(AssertionError, match="ended with 1") as ended:  # noqa: SIM117
        with serving(*flags):
            pass
    assert 'FAILED_PRECONDITION: Serving signature key "nope" not found.' in str(ended.value)
