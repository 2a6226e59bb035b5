"""The generator and the discriminator: all resolutions' weights made once, run at any of them.

PSGAN section 3.1 on Progressive GAN table 2. The resolution is a Python number and alpha a
tensor, so that each resolution is one trace with a fade and one without.
"""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from psgan_tf.model.blocks import (
    DiscriminatorBlock,
    DiscriminatorHead,
    GeneratorBlock,
    GeneratorInputBlock,
)
from psgan_tf.model.config import INITIAL_RESOLUTION, NetworkConfig
from psgan_tf.model.ops.kernels import FAST
from psgan_tf.model.ops.pose_maps import add_limb_points
from psgan_tf.model.ops.resizing import downscale2x, lerp, upscale2x


class GrowingNetwork(keras.Model):
    """Base of both networks: one block per resolution, and checks of their call arguments.

    Args:
        config: the networks' shape.
    """

    def __init__(self, config: NetworkConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config

    def make_blocks(self, first: type, other: type, **first_arguments) -> None:
        """Makes one block a resolution with all of its weights, named `<network>/NxN/...`."""
        self.blocks = []
        for n in self.config.resolutions:
            kind, arguments = (first, first_arguments) if n == 4 else (other, {})
            block = kind(n, self.config, name=f"{n}x{n}", dtype=self.dtype_policy, **arguments)
            with tf.name_scope(self.name):
                block.build(None)
            self.blocks.append(block)
        self.built = True

    def block_at(self, resolution: int) -> keras.layers.Layer:
        """The block of a resolution."""
        return self.blocks[self.config.resolutions.index(resolution)]

    def check_call(self, keypoints: tf.Tensor | None, resolution: int, fading: bool) -> None:
        """Refuses a resolution that the network lacks and keypoints of another count.

        Raises:
            ValueError: naming the argument.
        """
        if resolution not in self.config.resolutions:
            raise ValueError(
                f"`resolution` must be among {list(self.config.resolutions)}. "
                f"Received: resolution={resolution}."
            )
        if fading and resolution == INITIAL_RESOLUTION:
            raise ValueError(
                "`alpha` must be None at 4 x 4, which nothing comes before. Received: a value. "
                "Leave it out, or name a larger resolution."
            )
        expected = self.config.num_keypoints
        if expected and (keypoints is None or keypoints.shape[1:] != (expected, 3)):
            received = None if keypoints is None else keypoints.shape
            raise ValueError(
                f"`keypoints` must be [batch, {expected}, 3], as the network was made with "
                f"num_keypoints={expected}. Received: keypoints of shape {received}."
            )

    def pose_points(self, keypoints: tf.Tensor | None) -> tf.Tensor | None:
        """Points of the pose planes, [B, P, 3]: the keypoints, then points along limbs."""
        if not self.config.num_keypoints:
            return keypoints
        return add_limb_points(keypoints, self.config.limbs, self.config.limb_points)

    def active_variables(self, resolution: int, fading: bool) -> list[tf.Variable]:
        """The weights that a call at `resolution` uses; the others have no gradient.

        Args:
            resolution: N in pixels.
            fading: whether the resolution is being faded in (alpha is given).
        """
        variables = []
        for block in self.blocks[: self.config.resolutions.index(resolution) + 1]:
            reads_rgb = block.resolution == resolution or (
                fading and block.resolution == resolution // 2
            )
            idle = set() if reads_rgb else {id(v) for v in block.rgb_conv.trainable_variables}
            variables += [v for v in block.trainable_variables if id(v) not in idle]
        return variables

    def get_config(self) -> dict:
        fields = {field: getattr(self.config, field) for field in self.config.__dataclass_fields__}
        return {"name": self.name, "dtype": self.dtype_policy.name, "config": fields}

    @classmethod
    def from_config(cls, config: dict):
        return cls(**{**config, "config": NetworkConfig(**config["config"])})


class Generator(GrowingNetwork):
    """Generator: a picture from a latent and a pose.

    Call arguments:
        latents: [B, Z] float32, normal numbers.
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1; a
            keyword, since Keras casts the first argument to the compute type. None when M = 0.
        resolution: N in pixels, a Python number.
        alpha: weight of the resolution's own layers while it fades in, a float32 scalar;
            None when it is fully in.
        kernels: the forms to compute in.

    Returns:
        Pictures [B, N, N, 3] float32, about -1 to 1, not clipped.
    """

    def __init__(self, config: NetworkConfig, name: str = "generator", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.make_blocks(GeneratorInputBlock, GeneratorBlock)

    def call(self, latents, *, keypoints=None, resolution: int, alpha=None, kernels=FAST):
        self.check_call(keypoints, resolution, alpha is not None)
        if latents.shape[1:] != (self.config.latent_size,):
            raise ValueError(
                f"`latents` must be [batch, {self.config.latent_size}], as the network was made "
                f"with that latent_size. Received: latents of shape {latents.shape}."
            )
        points = self.pose_points(keypoints)
        features, previous = latents, None
        for block in self.blocks[: self.config.resolutions.index(resolution) + 1]:
            previous, features = features, block(features, keypoints=points, kernels=kernels)
        images = tf.cast(self.block_at(resolution).to_rgb(features, kernels=kernels), tf.float32)
        if alpha is None:
            return images
        coarse = self.block_at(resolution // 2).to_rgb(previous, kernels=kernels)
        return lerp(upscale2x(tf.cast(coarse, tf.float32)), images, alpha, kernels)


class Discriminator(GrowingNetwork):
    """Discriminator: a score of a picture and a pose, high for real ones.

    Args:
        stddev_slices: see `normalization.minibatch_stddev`.

    Call arguments:
        images: [B, N, N, 3] float32, -1 to 1.
        keypoints, resolution, alpha, kernels: as in `Generator`.

    Returns:
        Scores [B] float32.
    """

    def __init__(
        self,
        config: NetworkConfig,
        stddev_slices: int = 1,
        name: str = "discriminator",
        **kwargs,
    ):
        super().__init__(config, name=name, **kwargs)
        self.stddev_slices = stddev_slices
        self.make_blocks(DiscriminatorHead, DiscriminatorBlock, stddev_slices=stddev_slices)

    def call(self, images, *, keypoints=None, resolution: int, alpha=None, kernels=FAST):
        self.check_call(keypoints, resolution, alpha is not None)
        if images.shape[1:] != (resolution, resolution, 3):
            # The head would merge the rows of a batch of smaller pictures into fewer scores.
            raise ValueError(
                f"`images` must be [batch, {resolution}, {resolution}, 3], as resolution is "
                f"{resolution}. Received: images of shape {images.shape}."
            )
        points = self.pose_points(keypoints)
        features = self.block_at(resolution).from_rgb(images, kernels)
        for n in self.config.resolutions[::-1]:
            if n > resolution:
                continue
            features = self.block_at(n)(features, keypoints=points, kernels=kernels)
            if alpha is not None and n == resolution:
                # The fade ends before the next block's pose joins, so that alpha = 0 is exactly
                # the discriminator of half the resolution.
                coarse = self.block_at(n // 2).from_rgb(downscale2x(images), kernels)
                features = lerp(coarse, features, alpha, kernels)
        return tf.cast(features, tf.float32)

    def get_config(self) -> dict:
        return {**super().get_config(), "stddev_slices": self.stddev_slices}
