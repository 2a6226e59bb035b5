"""A local stand-in for TensorFlow Serving: serves SavedModels over gRPC and REST.

    python -m export.serve --model_name=avatar --model_base_path=models/avatar --port=8500

It answers as the stock server 2.15 does, codes and texts included, so that a model and a client
can be tried without a container. Flags have the stock server's names. BUILD.md has more.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it writes of a port that is taken before we do

from absl import flags

from psgan_tf.common import command_line

if TYPE_CHECKING:
    from export.local_server.models.loader import LoadingOptions
    from export.local_server.program import Program

FLAGS = flags.FLAGS
THREADS_PER_PROCESSOR = 4

flags.DEFINE_string("model_name", "default", "What requests call the model.")
flags.DEFINE_string("model_base_path", None, "Folder with a folder a version: 1, 2, ...")
flags.DEFINE_string("model_config_file", None, "ModelServerConfig in text format: many models.")
flags.DEFINE_alias("model_config", "model_config_file")
flags.DEFINE_float("model_config_file_poll_wait_seconds", 0, "Between looks at it; 0: one look.", 0)
flags.DEFINE_string("host", "127.0.0.1", "Address to listen at; 0.0.0.0 for all of them.")
flags.DEFINE_integer("port", 8500, "For gRPC; 0 takes a free one.", 0, 65535)
flags.DEFINE_integer("rest_api_port", None, "For REST; 0 takes a free one.", 0, 65535)
flags.DEFINE_integer("rest_api_timeout_in_ms", 30000, "Of a REST request.", 1)
flags.DEFINE_integer("grpc_max_threads", None, "Requests at a time; by default 4 a processor.", 1)
flags.DEFINE_integer(
    "max_message_megabytes", 256, "Of a request; larger ones are refused.", 1, 2047
)
flags.DEFINE_float("file_system_poll_wait_seconds", 1, "Between looks for versions; 0: one look.")
flags.DEFINE_integer("max_num_load_retries", 5, "Further tries of a load that failed.", 0)
flags.DEFINE_integer("load_retry_interval_micros", 60_000_000, "Before each of them.", 0)
flags.DEFINE_bool("allow_version_labels_for_unavailable_models", False, "Labels before loading.")
flags.DEFINE_bool("enable_batching", False, "Runs requests that come together as one.")
flags.DEFINE_string("batching_parameters_file", None, "BatchingParameters in text format.")
flags.DEFINE_bool("enable_per_model_batching_parameters", False, "A version's own file.")
flags.DEFINE_bool("enable_model_warmup", True, "Runs a version's warm-up requests first.")
flags.DEFINE_integer("num_request_iterations_for_warmup", 1, "How often each.", 1)
flags.DEFINE_bool("xla_cpu_compilation_enabled", False, "Runs graphs that XLA must compile.")
flags.DEFINE_bool("enforce_session_run_timeout", True, "A client's deadline ends the run too.")
flags.DEFINE_bool("enable_grpc_healthcheck_service", False, "Also serves grpc.health.v1.Health.")
flags.DEFINE_string("monitoring_config_file", None, "MonitoringConfig in text format.")
flags.DEFINE_string("ssl_config_file", None, "SSLConfig in text format: TLS for gRPC.")
flags.DEFINE_float("drain_secs", 30, "What requests under way get to end after SIGTERM.", 0)


def _loading_options(limit_bytes: int) -> LoadingOptions:
    from export.local_server.batching.config import BatchingParameters, read_batching_parameters
    from export.local_server.models.loader import LoadingOptions

    batching = None
    if FLAGS.batching_parameters_file and not FLAGS.enable_batching:
        raise ValueError("`batching_parameters_file` needs --enable_batching.")
    if FLAGS.enable_batching:
        file = FLAGS.batching_parameters_file
        batching = read_batching_parameters(file) if file else BatchingParameters()
    return LoadingOptions(
        batching=batching,
        per_model_batching=FLAGS.enable_per_model_batching_parameters,
        xla=FLAGS.xla_cpu_compilation_enabled,
        warm_up=FLAGS.enable_model_warmup,
        warm_up_rounds=FLAGS.num_request_iterations_for_warmup,
        tensor_limit_bytes=limit_bytes,
    )


def _start() -> Program:
    """The program as the flags describe it, running."""
    from export.local_server.config import choose_models
    from export.local_server.grpc_api.server import ServerOptions
    from export.local_server.metrics.config import read_metrics_path
    from export.local_server.models.manager import ManagerOptions
    from export.local_server.program import Program, RestOptions

    limit_bytes = FLAGS.max_message_megabytes * 2**20
    monitoring = FLAGS.monitoring_config_file
    managing = ManagerOptions(
        poll_secs=FLAGS.file_system_poll_wait_seconds,
        load_retries=FLAGS.max_num_load_retries,
        retry_secs=FLAGS.load_retry_interval_micros / 1e6,
        labels_before_versions=FLAGS.allow_version_labels_for_unavailable_models,
    )
    serving = ServerOptions(
        host=FLAGS.host,
        port=FLAGS.port,
        max_threads=FLAGS.grpc_max_threads or THREADS_PER_PROCESSOR * (os.cpu_count() or 1),
        max_message_bytes=limit_bytes,
        ssl_config_file=FLAGS.ssl_config_file,
        health_check=FLAGS.enable_grpc_healthcheck_service,
        enforce_timeout=FLAGS.enforce_session_run_timeout,
    )
    rest = RestOptions(
        port=FLAGS.rest_api_port,
        timeout_secs=FLAGS.rest_api_timeout_in_ms / 1e3,
        metrics_path=read_metrics_path(monitoring) if monitoring else None,
    )
    file, period_secs = FLAGS.model_config_file, FLAGS.model_config_file_poll_wait_seconds
    models = choose_models(file, FLAGS.model_name, FLAGS.model_base_path)
    watched = (Path(file), period_secs) if file and period_secs else None
    return Program(models, _loading_options(limit_bytes), managing, serving, rest, watched)


def serve() -> int:
    """Serves until SIGTERM or Ctrl-C."""
    from export.local_server.messages import use_messages_only

    use_messages_only()
    from export.local_server.program import log_to_stderr

    log_to_stderr()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    program = _start()
    print(f"local stand-in: gRPC at {FLAGS.host}:{program.grpc_port}", flush=True)
    if program.rest_port is not None:
        print(f"local stand-in: REST at http://{FLAGS.host}:{program.rest_port}", flush=True)
    print("local stand-in: ready", flush=True)
    while not stopped.wait(0.5):  # a signal just before an endless wait would not end it
        pass
    print("local stand-in: stopping", flush=True)
    if not program.stop(FLAGS.drain_secs):
        # A graph cannot be interrupted, and the interpreter would wait for its thread.
        os._exit(0)
    return 0


if __name__ == "__main__":
    command_line.run(serve, "serve")
