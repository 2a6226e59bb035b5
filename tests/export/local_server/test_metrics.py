"""The stand-in's metrics: the stock server's names and buckets, in a form that Prometheus reads."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from export.local_server.metrics.prometheus import BUCKET_ENDS_US, MOST_LABELS, OTHER, Metrics

# One sample as the text format 0.0.4 defines it.
SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r'\{(?P<labels>(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\} (?P<value>\S+)'
)


def samples(text):
    """{(name, labels): value} of all samples; each line must be one or a TYPE line."""
    found = {}
    for line in text.splitlines():
        if re.fullmatch(r"# TYPE :tensorflow:\S+ (counter|histogram)", line):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        key = (sample["name"], sample["labels"])
        assert key not in found
        found[key] = float(sample["value"])
    return found


def test_requests_are_counted_by_model_and_code():
    metrics = Metrics()
    for code_name in ("OK", "OK", "NOT_FOUND"):
        metrics.request_finished("gen", "Predict", "GRPC", code_name, 0.001)
    found = samples(metrics.text())
    name = ":tensorflow:serving:request_count"
    assert found[name, 'model_name="gen",status="OK"'] == 2
    assert found[name, 'model_name="gen",status="NOT_FOUND"'] == 1
    assert "# TYPE :tensorflow:serving:request_count counter\n" in metrics.text()


def test_latencies_are_of_good_answers_only_and_in_microseconds():
    metrics = Metrics()
    for secs in (5e-6, 0.002, 0.5):
        metrics.request_finished("gen", "Predict", "REST", "OK", secs)
    metrics.request_finished("gen", "Predict", "REST", "INVALID_ARGUMENT", 9.0)
    found = samples(metrics.text())
    name = ":tensorflow:serving:request_latency"
    labels = 'model_name="gen",API="Predict",entrypoint="REST"'
    assert found[f"{name}_count", labels] == 3
    assert found[f"{name}_sum", labels] == pytest.approx(502_005)
    assert found[f"{name}_bucket", f'{labels},le="10"'] == 1
    assert found[f"{name}_bucket", f'{labels},le="+Inf"'] == 3


def test_buckets_grow_by_1_8_and_their_counts_add_up():
    assert BUCKET_ENDS_US[:3] == pytest.approx((10, 18, 32.4))
    assert len(BUCKET_ENDS_US) == 33
    metrics = Metrics()
    for power in range(40):
        metrics.run_finished("gen", 1e-6 * 1.7**power)
    counts = [
        value for (name, _), value in samples(metrics.text()).items() if name.endswith("_bucket")
    ]
    assert counts == sorted(counts)
    assert len(counts) == 34
    assert counts[-1] == 40


def test_the_other_histograms_have_the_stock_server_s_names():
    metrics = Metrics()
    metrics.run_finished("gen", 0.1)
    metrics.warmed_up("models/gen/2", 3, 0.1)
    metrics.queued("batch_threads", 0.1)
    names = {name for name, _ in samples(metrics.text())}
    for part in ("runtime_latency", "model_warmup_latency", "batching_session:queuing_latency"):
        assert f":tensorflow:serving:{part}_count" in names


def test_any_model_name_is_written_so_that_it_can_be_read():
    metrics = Metrics()
    metrics.request_finished('a"b\\c\nd', "Predict", "GRPC", "NOT_FOUND", 0.1)
    ((_, labels),) = samples(metrics.text())
    assert labels.startswith('model_name="a\\"b\\\\c\\nd"')


def test_names_without_end_do_not_grow_without_end():
    metrics = Metrics()
    for number in range(MOST_LABELS + 50):
        metrics.request_finished(f"model{number}", "Predict", "GRPC", "NOT_FOUND", 0.1)
    found = samples(metrics.text())
    assert len(found) == MOST_LABELS + 1
    other = (":tensorflow:serving:request_count", f'model_name="{OTHER}",status="NOT_FOUND"')
    assert found[other] == 50


def test_counts_from_many_threads_are_all_there():
    metrics = Metrics()

    def count(_):
        metrics.request_finished("gen", "Predict", "GRPC", "OK", 0.001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(4000)))
    found = samples(metrics.text())
    assert found[":tensorflow:serving:request_count", 'model_name="gen",status="OK"'] == 4000
