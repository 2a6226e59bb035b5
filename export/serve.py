"""The local server: serves SavedModels over TensorFlow Serving's gRPC interface.

    python -m export.serve --model_name=avatar --model_base_path=models/avatar --port=8500

It answers as the stock server 2.15 does, codes and texts included, so that a model and a client
can be tried without a container. Flags have the stock server's names. BUILD.md has more.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it writes of a port that is taken before we do

from absl import flags

from psgan_tf.common import command_line

if TYPE_CHECKING:
    from export.local_server.local_server import LocalServer

FLAGS = flags.FLAGS
THREADS_PER_PROCESSOR = 4

flags.DEFINE_string("model_name", "default", "What requests call the model.")
flags.DEFINE_string("model_base_path", None, "Folder with a folder per version: 1, 2, ...")
flags.DEFINE_string("model_config_file", None, "ModelServerConfig in text format: many models.")
flags.DEFINE_alias("model_config", "model_config_file")
flags.DEFINE_string("host", "127.0.0.1", "Address to listen at; 0.0.0.0 for all of them.")
flags.DEFINE_integer("port", 8500, "Port to listen at; 0 takes a free one.", 0, 65535)
flags.DEFINE_integer("grpc_max_threads", None, "Requests at a time; by default 4 per processor.", 1)
flags.DEFINE_integer(
    "max_message_megabytes", 256, "Of a request; larger ones are refused.", 1, 2047
)
flags.DEFINE_float("file_system_poll_wait_seconds", 1, "Between looks for versions; 0: one look.")
flags.DEFINE_integer("max_num_load_retries", 5, "Further tries of a load that failed.", 0)
flags.DEFINE_integer("load_retry_interval_micros", 60_000_000, "Before each of them.", 0)
flags.DEFINE_bool("enable_model_warmup", True, "Runs a version's warm-up requests first.")
flags.DEFINE_integer("num_request_iterations_for_warmup", 1, "How often each.", 1)
flags.DEFINE_bool("xla_cpu_compilation_enabled", False, "Runs graphs that XLA must compile.")
flags.DEFINE_bool("enforce_session_run_timeout", True, "A client's deadline ends the run too.")
flags.DEFINE_string("ssl_config_file", None, "SSLConfig in text format: TLS.")
flags.DEFINE_float("drain_secs", 30, "What requests under way get to end after SIGTERM.", 0)


def _start() -> LocalServer:
    """The server as the flags describe it, running."""
    from export.local_server.config import choose_models
    from export.local_server.grpc_api.server import ServerOptions
    from export.local_server.local_server import LocalServer
    from export.local_server.models.loader import LoadingOptions
    from export.local_server.models.manager import ManagerOptions

    limit_bytes = FLAGS.max_message_megabytes * 2**20
    rounds = FLAGS.num_request_iterations_for_warmup if FLAGS.enable_model_warmup else 0
    loading = LoadingOptions(
        xla=FLAGS.xla_cpu_compilation_enabled,
        warm_up_rounds=rounds,
        tensor_limit_bytes=limit_bytes,
    )
    managing = ManagerOptions(
        poll_secs=FLAGS.file_system_poll_wait_seconds,
        load_retries=FLAGS.max_num_load_retries,
        retry_secs=FLAGS.load_retry_interval_micros / 1e6,
    )
    serving = ServerOptions(
        host=FLAGS.host,
        port=FLAGS.port,
        max_threads=FLAGS.grpc_max_threads or THREADS_PER_PROCESSOR * (os.cpu_count() or 1),
        max_message_bytes=limit_bytes,
        ssl_config_file=FLAGS.ssl_config_file,
        enforce_timeout=FLAGS.enforce_session_run_timeout,
    )
    models = choose_models(FLAGS.model_config_file, FLAGS.model_name, FLAGS.model_base_path)
    return LocalServer(models, loading, managing, serving)


def serve() -> int:
    """Serves until SIGTERM or Ctrl-C."""
    from export.local_server.messages import use_messages_only

    use_messages_only()
    from export.local_server.local_server import log_to_stderr

    log_to_stderr()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server = _start()
    print(f"local server: gRPC at {FLAGS.host}:{server.port}", flush=True)
    print("local server: ready", flush=True)
    while not stopped.wait(0.5):  # a signal just before an endless wait would not end it
        pass
    print("local server: stopping", flush=True)
    if not server.stop(FLAGS.drain_secs):
        # A graph cannot be interrupted, and the interpreter would wait for its thread.
        os._exit(0)
    return 0


if __name__ == "__main__":
    command_line.run(serve, "serve")
