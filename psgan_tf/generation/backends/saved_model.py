"""Pictures from an exported SavedModel, loaded in this process."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from psgan_tf.common.files import read_json
from psgan_tf.generation.backends.protocol import OUTPUT, SIGNATURE, without_poses
from psgan_tf.generation.latent_mixing import Latents
from psgan_tf.generation.model_folders import saved_model_folder
from psgan_tf.images.pictures import Pixels
from psgan_tf.keypoints.schema import Keypoints

_CARD_FILE = "model_card.json"


class SavedModelBackend:
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
            raise ValueError(without_poses("saved_model", str(folder)))
        loaded = tf.saved_model.load(str(folder))
        if SIGNATURE not in loaded.signatures:
            raise ValueError(
                f"`saved_model` must have the signature {SIGNATURE}. "
                f"Received: {folder}, with {', '.join(loaded.signatures)}."
            )
        # A signature alone does not keep the weights that it reads.
        self._loaded, self._call = loaded, loaded.signatures[SIGNATURE]

    def draw(self, latents: Latents, keypoints: Keypoints) -> Pixels:
        """[B, Z] latents in [B, M, 3] poses to [B, R, R, 3] uint8."""
        images = self._call(latents=tf.constant(latents), keypoints=tf.constant(keypoints))
        return images[OUTPUT].numpy()
