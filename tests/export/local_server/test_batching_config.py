"""Batching and monitoring files as the stock server takes them, and what it refuses in them."""

import os

import pytest

from export.local_server.batching.config import (
    BatchingParameters,
    per_model_parameters,
    read_batching_parameters,
)
from export.local_server.metrics.config import read_metrics_path


def test_a_file_with_every_parameter(tmp_path):
    path = tmp_path / "batching.pbtxt"
    path.write_text(
        """# a comment
        max_batch_size { value: 16 }
        batch_timeout_micros { value: 5000 }
        max_enqueued_batches { value: 7 }
        num_batch_threads: { value: 3 }
        thread_pool_name { value: "pool" }
        allowed_batch_sizes: 2
        allowed_batch_sizes: 8
        pad_variable_length_inputs: true
        enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 8 }
        """
    )
    assert read_batching_parameters(path) == BatchingParameters(
        max_batch_size=16,
        batch_timeout_micros=5000,
        max_enqueued_batches=7,
        num_batch_threads=3,
        thread_pool_name="pool",
        allowed_batch_sizes=(2, 8),
        pad_variable_length_inputs=True,
        enable_large_batch_splitting=True,
        max_execution_batch_size=8,
    )


def test_what_a_file_leaves_out_has_the_stock_server_s_defaults(tmp_path):
    (tmp_path / "empty").write_text("")
    parameters = read_batching_parameters(tmp_path / "empty")
    assert parameters.max_batch_size == 1000
    assert parameters.batch_timeout_micros == 0
    assert parameters.max_enqueued_batches == 10
    assert parameters.num_batch_threads == os.cpu_count()
    assert parameters.allowed_batch_sizes == ()
    assert not parameters.pad_variable_length_inputs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_batch_size { value: 0 }", "`max_batch_size` must be positive"),
        ("num_batch_threads { value: -1 }", "`num_batch_threads` must be positive"),
        ("batch_timeout_micros { value: -5 }", "`batch_timeout_micros` must be non-negative"),
        (
            "max_batch_size { value: 4 } allowed_batch_sizes: 2 allowed_batch_sizes: 3",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 3; "
            "expected 4",
        ),
        (
            "max_batch_size { value: 4 } allowed_batch_sizes: 4 allowed_batch_sizes: 4",
            "`allowed_batch_sizes` entries must be monotonically increasing",
        ),
        (
            "max_batch_size { value: 4 } max_execution_batch_size { value: 5 }",
            "must be greater than or equal to max_execution_batch_size",
        ),
        ("max_batch_size: 4", "is no BatchingParameters in protobuf's text format: 1:"),
        ("max_batchsize { value: 4 }", 'has no field named "max_batchsize"'),
        ("max_batch_size { value: 4 ", "is no BatchingParameters"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_its_name(tmp_path, text, expected):
    path = tmp_path / "batching.pbtxt"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"batching\.pbtxt") as raised:
        read_batching_parameters(path)
    assert expected in str(raised.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_batching_parameters(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not UTF-8"):
        read_batching_parameters(tmp_path / "binary")


@pytest.mark.parametrize(
    ("sizes", "size", "expected"),
    [((), 3, 3), ((2, 4), 0, 2), ((2, 4), 1, 2), ((2, 4), 2, 2), ((2, 4), 3, 4), ((2, 4), 4, 4)],
)
def test_a_batch_is_filled_up_to_the_next_allowed_size(sizes, size, expected):
    parameters = BatchingParameters(max_batch_size=4, allowed_batch_sizes=sizes)
    assert parameters.padded_size(size) == expected


def test_a_version_s_own_file_comes_before_the_shared_one(tmp_path):
    shared = BatchingParameters(max_batch_size=4)
    assert per_model_parameters(tmp_path, shared) is shared
    (tmp_path / "batching_params.pbtxt").write_text("max_batch_size { value: 2 }")
    assert per_model_parameters(tmp_path, shared).max_batch_size == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ('prometheus_config { enable: false, path: "/metrics" }', None),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true, path: "/metrics" }', "/metrics"),
    ],
)
def test_metrics_are_where_the_monitoring_file_says(tmp_path, text, expected):
    (tmp_path / "monitoring").write_text(text)
    assert read_metrics_path(tmp_path / "monitoring") == expected


def test_a_metrics_path_without_its_slash_is_refused(tmp_path):
    (tmp_path / "monitoring").write_text('prometheus_config { enable: true, path: "metrics" }')
    with pytest.raises(ValueError, match=r"must begin with a slash\. Received: metrics"):
        read_metrics_path(tmp_path / "monitoring")
