"""The flags of `export.client`: which server, who, how they stand, and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

if TYPE_CHECKING:
    from psgan_tf.serving_client.client import RemoteModel

FLAGS = flags.FLAGS

flags.DEFINE_string("address", "localhost:8500", "HOST:PORT of the server's gRPC port.")
flags.DEFINE_string("model", "psgan", "Name that the model is served under.")
flags.DEFINE_integer("version", None, "Ask for this version. Default: what the server offers.", 0)
flags.DEFINE_string("label", "", "Ask for the version of this label.")
flags.DEFINE_float("timeout_secs", 60.0, "Deadline of each request.", 0.0)
flags.DEFINE_float("retry_secs", 10.0, "How long to ask a server again that is away or busy.", 0.0)
flags.DEFINE_boolean("tls", False, "Talk over TLS; implied by the flags on certificates.")
flags.DEFINE_string("root_certificates", "", "PEM file of who vouches for the server.")
flags.DEFINE_string("client_key", "", "PEM file, for servers that ask who the client is.")
flags.DEFINE_string("client_certificate", "", "PEM file that goes with --client_key.")

flags.DEFINE_string("seeds", None, "Characters: numbers and ranges, such as 0-7,42.")
flags.DEFINE_list(
    "characters",
    [],
    "Saved characters (.npz), or pictures by psgan_tf.generate, drawn after the seeds.",
)
flags.DEFINE_string(
    "poses", "", "generate: a dataset folder, an OpenPose file or a folder of them, or a pose file."
)
flags.DEFINE_integer("max_poses", 6, "generate: from many poses, this many at even distances.")
flags.DEFINE_string(
    "motion",
    "",
    "animate: a BVH, VMD, VRMA or glTF file, FOLDER#motion of a dataset, a folder of OpenPose "
    "files, or a pose file.",
)
flags.DEFINE_string("pose_size", "", "WxH: pixels of the pictures that OpenPose files are of.")
flags.DEFINE_float("fps", None, "animate: frames a second. Default: the motion's own.")
flags.DEFINE_string("output", "", "Folder of PNGs; or, to animate, a .mp4, .webm, .gif, ... file.")
flags.DEFINE_integer("batch_size", 4, "Pictures of a request.", 1)
flags.DEFINE_integer("in_flight", 4, "Requests under way at a time.", 1)

_DRAWING = {"seeds", "characters", "pose_size", "output", "batch_size", "in_flight"}
# What a command reads beside the flags that name the server.
_READ_BY = {
    "generate": _DRAWING | {"poses", "max_poses"},
    "animate": _DRAWING | {"motion", "fps"},
    "status": set(),
    "metadata": set(),
}
COMMANDS = tuple(_READ_BY)


def check_command(command: str) -> None:
    """Refuses an unknown command, and flags that only another one reads.

    Raises:
        ValueError: naming the first of them.
    """
    if command not in _READ_BY:
        raise ValueError(
            f"`COMMAND` must be one of {', '.join(COMMANDS)}. Received: {command!r}. See --help."
        )
    for name in sorted(set().union(*_READ_BY.values()) - _READ_BY[command]):
        if FLAGS[name].present:
            readers = " and ".join(other for other in COMMANDS if name in _READ_BY[other])
            raise ValueError(
                f"`{name}` is a flag of {readers}. Received: --{name} with {command}, which does "
                "not read it. Leave it out."
            )


def open_model() -> RemoteModel:
    """The served model that the flags name."""
    from psgan_tf.serving_client.client import RemoteModel
    from psgan_tf.serving_client.rpc import Tls

    paths = (FLAGS.root_certificates, FLAGS.client_key, FLAGS.client_certificate)
    pems = [Path(path).read_bytes() if path else None for path in paths]
    return RemoteModel(
        FLAGS.address,
        FLAGS.model,
        version=FLAGS.version,
        label=FLAGS.label,
        timeout_secs=FLAGS.timeout_secs,
        retry_secs=FLAGS.retry_secs,
        tls=Tls(*pems) if FLAGS.tls or any(paths) else None,
    )
