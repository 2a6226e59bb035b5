"""What draws an animation's frames: a run's checkpoint, an exported SavedModel, or a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from psgan_tf.common.files import read_json
from psgan_tf.generation.backends.checkpoint import Sampler
from psgan_tf.generation.backends.served import find_generator
from psgan_tf.generation.characters import strangers
from psgan_tf.generation.latent_mixing import Latents, Part, latents_of
from psgan_tf.generation.pose_spec import Stage, saved_model_folder
from psgan_tf.images.pictures import Pixels
from psgan_tf.keypoints.schema import Keypoints
from psgan_tf.model.latents import latents_from_seeds
from psgan_tf.serving_client.client import Question, RemoteModel

_SIGNATURE = "images_uint8"
_OUTPUT = "images"
_CARD_FILE = "model_card.json"


class RunPainter:
    """Draws with a training run's newest checkpoint.

    Args:
        run_dir: the run.

    Raises:
        ValueError: it holds no run or no checkpoint.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self._sampler = Sampler(run_dir)
        if not self._sampler.network.num_keypoints:
            raise ValueError(_without_poses("run_dir", str(run_dir)))
        self.resolution = self._sampler.resolution
        self.latent_size = self._sampler.network.latent_size
        self.fingerprint = self._sampler.fingerprint

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        return self._sampler.images(latents, keypoints)


class SavedModelPainter:
    """Draws with an exported model, in this process and without its network's code.

    Args:
        path: the SavedModel, or a folder of its versions.

    Raises:
        ValueError: there is none, or it is not one of a generator.
    """

    def __init__(self, path: str | Path) -> None:
        folder = saved_model_folder(path)
        model = read_json(folder / _CARD_FILE)["model"]
        self.resolution, self.latent_size = model["resolution"], model["latent_size"]
        self.fingerprint = model["fingerprint"]
        if not model["num_keypoints"]:
            raise ValueError(_without_poses("saved_model", str(folder)))
        loaded = tf.saved_model.load(str(folder))
        if _SIGNATURE not in loaded.signatures:
            raise ValueError(
                f"`saved_model` must have the signature {_SIGNATURE}. "
                f"Received: {folder}, with {', '.join(loaded.signatures)}."
            )
        # A signature alone does not keep the weights that it reads.
        self._loaded, self._call = loaded, loaded.signatures[_SIGNATURE]

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        images = self._call(latents=tf.constant(latents), keypoints=tf.constant(keypoints))
        return images[_OUTPUT].numpy()


class RemotePainter:
    """Draws through a server of an exported model.

    Attributes:
        stage: what its poses are measured in, as the server says.

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
        if generator.stage is None:
            raise ValueError(_without_poses("model", model))
        self.stage: Stage = generator.stage
        self.latent_size, self.fingerprint = generator.latent_size, generator.fingerprint
        # The shape of answers is open: one picture says how large they are.
        pose = np.zeros([1, self.stage.skeleton.num_keypoints, 3], np.float32)
        self.resolution = self.draw(np.ones([1, self.latent_size], np.float32), pose).shape[1]

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        question = Question(_SIGNATURE, {"latents": latents, "keypoints": keypoints})
        return self._remote.predict(question).outputs[_OUTPUT]


def _without_poses(argument: str, received: str) -> str:
    return (
        f"`{argument}` must be of a network that takes poses. Received: {received}, one without. "
        "Draw its characters with psgan_tf.generate."
    )


ModelPainter = RunPainter | SavedModelPainter | RemotePainter


def latents_of_parts(
    parts: Sequence[Part], painter: ModelPainter, warn: Callable[[str], None]
) -> Latents:
    """The latents of a cast's parts, [N, Z].

    Args:
        parts: seeds and saved characters.
        painter: whose characters they are to be.
        warn: takes a line for each character that was saved from another checkpoint.

    Raises:
        ValueError: a file is no character, or one of another latent size.
    """

    def of_seeds(seeds: list[int]) -> Latents:
        return latents_from_seeds(tf.constant(seeds, tf.int64), painter.latent_size).numpy()

    latents, characters = latents_of(parts, painter.latent_size, of_seeds)
    for warning in strangers(characters, painter.fingerprint):
        warn(warning)
    return latents
