"""The blocks that the networks grow by, one a resolution.

Progressive GAN table 2; the pose joins the input of every block (PSGAN section 3.1 and figure 2:
after the upscaling in the generator, after fromRGB and the fade in the discriminator).
"""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from psgan_tf.model.config import NetworkConfig
from psgan_tf.model.layers import (
    EqualizedConv2D,
    EqualizedDense,
    LatentProjection,
    PoseConv2D,
    register,
)
from psgan_tf.model.ops.activations import leaky_relu, leaky_relu_downscaled
from psgan_tf.model.ops.kernels import FAST, Kernels
from psgan_tf.model.ops.normalization import minibatch_stddev, pixel_norm

RGB = 3


class Block(keras.layers.Layer):
    """Base of all blocks: a resolution of a network, its widths and its sublayers' names.

    Args:
        resolution: N in pixels.
        config: the networks' shape, a `NetworkConfig` or its fields as a dict.
    """

    def __init__(self, resolution: int, config: NetworkConfig | dict, **kwargs):
        super().__init__(**kwargs)
        self.config = NetworkConfig(**config) if isinstance(config, dict) else config
        if resolution not in self.config.resolutions:
            raise ValueError(
                f"`resolution` must be among {list(self.config.resolutions)}. "
                f"Received: resolution={resolution}."
            )
        self.resolution = resolution
        self.filters = self.config.feature_maps(resolution)

    def conv(self, filters: int, name: str, **kwargs) -> EqualizedConv2D:
        """A convolution of this block."""
        return EqualizedConv2D(filters, name=name, dtype=self.dtype_policy, **kwargs)

    def pose_conv(self, filters: int, name: str, *, upscale: bool = False) -> PoseConv2D:
        """The convolution of this block that reads the pose."""
        return PoseConv2D(
            filters,
            num_keypoints=self.config.pose_planes_at(self.resolution),
            keypoint_frame=self.config.keypoint_frame,
            pose_values=self.config.pose_values(self.resolution),
            upscale=upscale,
            name=name,
            dtype=self.dtype_policy,
        )

    def build_sublayer(self, layer: keras.layers.Layer, channels: int) -> None:
        """Makes a sublayer's weights, named `<block>/<layer>/<weight>`."""
        with tf.name_scope(self.name), tf.name_scope(layer.name):
            layer.build([None, self.resolution, self.resolution, channels])

    @property
    def rgb_conv(self) -> EqualizedConv2D:
        """The convolution to or from colours; idle unless this block is at the picture's end."""
        return self.to_rgb

    def get_config(self) -> dict:
        fields = {field: getattr(self.config, field) for field in self.config.__dataclass_fields__}
        return {**super().get_config(), "resolution": self.resolution, "config": fields}


@register
class GeneratorInputBlock(Block):
    """4 x 4 block: latent, dense, 3 x 3 convolution over [features, pose].

    Input: latents [B, Z]. Output: [B, 4, 4, C(4)].
    """

    def __init__(self, resolution: int, config: NetworkConfig | dict, **kwargs):
        super().__init__(resolution, config, **kwargs)
        self.dense = LatentProjection(self.filters, name="dense", dtype=self.dtype_policy)
        self.conv0 = self.pose_conv(self.filters, "conv0")
        self.to_rgb = self.conv(RGB, "to_rgb", kernel_size=1, gain=1.0)

    def build(self, input_shape) -> None:
        with tf.name_scope(self.name), tf.name_scope(self.dense.name):
            self.dense.build([None, self.config.latent_size])
        self.build_sublayer(self.conv0, self.filters)
        self.build_sublayer(self.to_rgb, self.filters)
        self.built = True

    def call(self, latents, *, keypoints=None, kernels=FAST):
        features = self.dense(pixel_norm(latents, kernels), kernels=kernels)
        features = pixel_norm(leaky_relu(features, kernels), kernels)
        features = self.conv0(features, keypoints=keypoints, kernels=kernels)
        return pixel_norm(leaky_relu(features, kernels), kernels)


@register
class GeneratorBlock(Block):
    """Doubles the resolution: upscale, two 3 x 3 convolutions, the first over [features, pose].

    Input: [B, N/2, N/2, C(N/2)]. Output: [B, N, N, C(N)].
    """

    def __init__(self, resolution: int, config: NetworkConfig | dict, **kwargs):
        super().__init__(resolution, config, **kwargs)
        self.conv0 = self.pose_conv(self.filters, "conv0", upscale=True)
        self.conv1 = self.conv(self.filters, "conv1")
        self.to_rgb = self.conv(RGB, "to_rgb", kernel_size=1, gain=1.0)

    def build(self, input_shape) -> None:
        self.build_sublayer(self.conv0, self.config.feature_maps(self.resolution // 2))
        self.build_sublayer(self.conv1, self.filters)
        self.build_sublayer(self.to_rgb, self.filters)
        self.built = True

    def call(self, features, *, keypoints=None, kernels=FAST):
        features = self.conv0(features, keypoints=keypoints, kernels=kernels)
        features = pixel_norm(leaky_relu(features, kernels), kernels)
        features = self.conv1(features, kernels=kernels)
        return pixel_norm(leaky_relu(features, kernels), kernels)


class DiscriminatorBlockBase(Block):
    """A discriminator block: any of them can be the first, so each can read the picture."""

    def __init__(self, resolution: int, config: NetworkConfig | dict, **kwargs):
        super().__init__(resolution, config, **kwargs)
        self.from_rgb_conv = self.conv(self.filters, "from_rgb", kernel_size=1)
        self.conv0 = self.pose_conv(self.filters, "conv0")

    def build(self, input_shape) -> None:
        self.build_sublayer(self.from_rgb_conv, RGB)

    @property
    def rgb_conv(self) -> EqualizedConv2D:
        return self.from_rgb_conv

    def from_rgb(self, images: tf.Tensor, kernels: Kernels = FAST) -> tf.Tensor:
        """Features of a picture of this block's resolution: [B, N, N, 3] to [B, N, N, C(N)]."""
        return leaky_relu(self.from_rgb_conv(images, kernels=kernels), kernels)


@register
class DiscriminatorBlock(DiscriminatorBlockBase):
    """Halves the resolution: two 3 x 3 convolutions, the first over [features, pose], then mean.

    Activation comes before the pooling, as in Progressive GAN table 2.

    Input: [B, N, N, C(N)]. Output: [B, N/2, N/2, C(N/2)].
    """

    def __init__(self, resolution: int, config: NetworkConfig | dict, **kwargs):
        super().__init__(resolution, config, **kwargs)
        self.conv1 = self.conv(self.config.feature_maps(resolution // 2), "conv1")

    def build(self, input_shape) -> None:
        super().build(input_shape)
        self.build_sublayer(self.conv0, self.filters)
        self.build_sublayer(self.conv1, self.filters)
        self.built = True

    def call(self, features, *, keypoints=None, kernels=FAST):
        features = self.conv0(features, keypoints=keypoints, kernels=kernels)
        features = self.conv1(leaky_relu(features, kernels), kernels=kernels)
        return leaky_relu_downscaled(features, kernels)


@register
class DiscriminatorHead(DiscriminatorBlockBase):
    """4 x 4 block: statistic of the batch, 3 x 3 convolution, two dense layers, one score.

    The statistic is taken before the pose joins, else it would measure how poses vary. The dense
    layers compute in float32 under any precision: a score rounded to bfloat16 would swallow the
    drift's pull, and differences between scores of one size.

    Args:
        stddev_slices: see `normalization.minibatch_stddev`.

    Input: [B, 4, 4, C(4)]. Output: scores [B].
    """

    def __init__(
        self, resolution: int, config: NetworkConfig | dict, stddev_slices: int = 1, **kwargs
    ):
        super().__init__(resolution, config, **kwargs)
        self.stddev_slices = stddev_slices
        hidden = self.config.feature_maps(2)
        exact = self.dtype_policy.variable_dtype
        self.dense0 = EqualizedDense(hidden, name="dense0", dtype=exact)
        self.dense1 = EqualizedDense(1, gain=1.0, name="dense1", dtype=exact)

    def build(self, input_shape) -> None:
        super().build(input_shape)
        self.build_sublayer(self.conv0, self.filters + 1)
        for layer, size in ((self.dense0, 16 * self.filters), (self.dense1, self.dense0.units)):
            with tf.name_scope(self.name), tf.name_scope(layer.name):
                layer.build([None, size])
        self.built = True

    def call(self, features, *, keypoints=None, kernels=FAST):
        features = minibatch_stddev(features, self.stddev_slices)
        features = self.conv0(features, keypoints=keypoints, kernels=kernels)
        features = tf.reshape(leaky_relu(features, kernels), [-1, 16 * self.filters])
        features = leaky_relu(self.dense0(features, kernels=kernels), kernels)
        return self.dense1(features, kernels=kernels)[:, 0]

    def get_config(self) -> dict:
        return {**super().get_config(), "stddev_slices": self.stddev_slices}
