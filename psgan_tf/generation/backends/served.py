"""A served generator: what it takes, and files of what it draws.

The server encodes the PNGs (`png_bytes`), and they are written as they came, with text fields put
in beside the pixels: at 1024 x 1024 that takes 2 ms a picture, where encoding uint8 pixels here
would take a third of a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from psgan_tf.common.files import parse_json, write_atomically
from psgan_tf.generation.backends.protocol import OUTPUT, SIGNATURE, without_poses
from psgan_tf.generation.characters import DrawnCharacter
from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.generation.pose_spec import PoseSpec, stage_from_json
from psgan_tf.images.pictures import Pixels
from psgan_tf.images.png_text import add_png_text
from psgan_tf.keypoints.named_poses import NamedPose
from psgan_tf.keypoints.schema import Keypoints, Skeleton
from psgan_tf.serving_client.client import Answer, Question, RemoteModel

OF_LATENTS, OF_SEEDS, DESCRIPTION = "serving_default", "from_seed", "describe"
PNG_OUTPUT = "png_bytes"


@dataclass(frozen=True)
class RemoteGenerator:
    """A served model that draws characters, and what it says of itself.

    Attributes:
        model: where it is asked.
        latent_size: Z.
        pose_spec: its keypoint schema and frame, and with what avatar and camera it was trained
            where that is known; None for a network without poses.
        version: of which the following hold.
        fingerprint: of the checkpoint that it was exported from.
        images_shown: in its training.
    """

    model: RemoteModel
    latent_size: int
    pose_spec: PoseSpec | None
    version: int
    fingerprint: str
    images_shown: int

    @property
    def skeleton(self) -> Skeleton | None:
        """The keypoint schema; None for a network without poses."""
        return None if self.pose_spec is None else self.pose_spec.skeleton

    @property
    def frame_px(self) -> int:
        """The keypoint frame in pixels; 0 for a network without poses."""
        return 0 if self.pose_spec is None else self.pose_spec.frame_px

    def text_of(self, version: int) -> dict[str, str]:
        """What a picture by that version says of its origin, as `psgan_tf.generate` says it."""
        text = {"served_by": f"{self.model.model} version {version}"}
        if version == self.version:
            text |= {"model": self.fingerprint, "images_shown": str(self.images_shown)}
        return text


class Load(NamedTuple):
    """How much is asked of a server at a time."""

    batch_size: int = 4  # pictures of a request
    in_flight: int = 4  # requests under way


class Job(NamedTuple):
    """A picture to be made: its file, and who stands how."""

    path: Path
    subject: DrawnCharacter
    pose: NamedPose


class Made(NamedTuple):
    """A job that is done: the file's bytes, and the name and version of the model."""

    job: Job
    png: bytes
    served_by: str


def find_generator(model: RemoteModel) -> RemoteGenerator:
    """Asks a served model what it takes.

    Raises:
        ValueError: it is no generator as export_saved_model writes them.
        RemoteError: the server did not say.
    """
    version, signatures = model.signatures()
    missing = [name for name in (OF_LATENTS, OF_SEEDS, DESCRIPTION) if name not in signatures]
    if missing:
        raise ValueError(
            f"`model` must be a generator that export_saved_model wrote. Received: {model.model} "
            f"version {version}, without the signature {missing[0]}. Name another --model."
        )
    inputs = signatures[OF_LATENTS].inputs
    answer = model.predict(Question(DESCRIPTION, {"rows": np.zeros([1], np.int64)}))
    description = parse_json(answer.outputs["description_json"][0].decode("utf-8"))
    source = f"{model.model} version {answer.version}"
    return RemoteGenerator(
        model,
        _static_size(inputs["latents"].shape),
        stage_from_json(description["skeleton"], source) if "keypoints" in inputs else None,
        answer.version,
        str(description["fingerprint"]),
        int(description["images_shown"]),
    )


def _static_size(shape: tuple[int | None, ...] | None) -> int:
    """The size of a vector in a batch, [N, size]."""
    if shape is None or len(shape) != 2 or shape[1] is None:
        raise ValueError(
            f"`latents` must be vectors of one size in the model. Received: {shape}. "
            "Serve what export_saved_model wrote."
        )
    return shape[1]


def _batches(jobs: Iterable[Job], size: int) -> Iterator[list[Job]]:
    """Jobs in order; seeds and saved characters go to different signatures, so never together."""
    batch: list[Job] = []
    for job in jobs:
        other = batch and (job.subject.seed is None) != (batch[0].subject.seed is None)
        if batch and (other or len(batch) == size):
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def _question(batch: Sequence[Job], with_poses: bool) -> Question:
    inputs = {}
    if with_poses:
        inputs["keypoints"] = np.stack([job.pose.keypoints for job in batch]).astype(np.float32)
    if batch[0].subject.seed is None:
        latents = np.stack([job.subject.latent for job in batch])
        return Question(OF_LATENTS, {"latents": latents, **inputs})
    seeds = np.array([job.subject.seed for job in batch], np.int64)
    return Question(OF_SEEDS, {"seeds": seeds, **inputs})


def _pngs(answer: Answer, count: int) -> list[bytes]:
    pngs = list(answer.outputs[PNG_OUTPUT].ravel())
    if len(pngs) != count:
        raise ValueError(
            f"`{PNG_OUTPUT}` must hold a picture for each of {count} questions. "
            f"Received: {len(pngs)}. Check the model with check_saved_model."
        )
    return pngs


def make_pictures(generator: RemoteGenerator, jobs: Iterable[Job], load: Load) -> Iterator[Made]:
    """Makes and writes pictures in the jobs' order; each file is whole when it is yielded.

    Args:
        generator: who draws.
        jobs: what to draw; taken as answers come in.
        load: how many pictures a request asks for, and how many requests are under way.

    Raises:
        RemoteError: the server failed; the files written until then stay.
    """
    asked: deque[list[Job]] = deque()

    def questions() -> Iterator[Question]:
        for batch in _batches(jobs, load.batch_size):
            asked.append(batch)
            yield _question(batch, generator.pose_spec is not None)

    for answer in generator.model.stream(questions(), load.in_flight):
        batch = asked.popleft()
        for job, png in zip(batch, _pngs(answer, len(batch)), strict=True):
            text = {**job.subject.text, "pose": job.pose.name}
            text |= generator.text_of(answer.version)
            made = Made(job, add_png_text(png, text), text["served_by"])
            write_atomically(job.path, made.png)
            yield made


class ServedBackend:
    """Draws through a server of an exported model.

    Attributes:
        pose_spec: what its poses are measured in, as the server says.

    Args:
        address: `host:port` of its gRPC interface.
        model: the name it is served under.

    Raises:
        ValueError: the server's model is not a generator that takes poses.
        RemoteError: the server does not answer.
    """

    def __init__(self, address: str, model: str) -> None:
        self._remote = RemoteModel(address, model)
        generator = find_generator(self._remote)
        if generator.pose_spec is None:
            raise ValueError(without_poses("model", model))
        self.pose_spec: PoseSpec = generator.pose_spec
        self.latent_size, self.fingerprint = generator.latent_size, generator.fingerprint
        # The shape of answers is open: one picture says how large they are.
        pose = np.zeros([1, self.pose_spec.skeleton.num_keypoints, 3], np.float32)
        self.resolution = self.draw(np.ones([1, self.latent_size], np.float32), pose).shape[1]

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        question = Question(SIGNATURE, {"latents": latents, "keypoints": keypoints})
        return self._remote.predict(question).outputs[OUTPUT]
