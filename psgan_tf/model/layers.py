"""The layers of Progressive GAN, and the one layer through which a pose enters.

Progressive GAN (Karras et al., 2018) section 4.1: equalized learning rate; PSGAN section 3.1.
Tensors are NHWC. Weights are float32 whatever the precision.
"""

from __future__ import annotations

import math

import tensorflow as tf
from tensorflow import keras

from psgan_tf.model.ops.convolutions import convolve, convolve_plain
from psgan_tf.model.ops.kernels import FAST, Kernels
from psgan_tf.model.ops.pose_convolution import add_pose, pose_bias
from psgan_tf.model.ops.pose_maps import PAPER_VALUES, draw_pose_maps
from psgan_tf.model.ops.resizing import upscale2x

# Gain of a layer that is followed by a leaky ReLU (He initialization).
HE_GAIN = math.sqrt(2.0)
# From this resolution on poses enter without their maps; below it that is no faster.
POSES_WITHOUT_MAPS_FROM = 16

register = keras.saving.register_keras_serializable(package="psgan_tf")


class EqualizedLayer(keras.layers.Layer):
    """A layer whose kernel is drawn from N(0, 1) and scaled when it is used.

    w = kernel * gain / sqrt(fan_in), Progressive GAN section 4.1: all weights then learn at one
    speed under Adam. Biases start at zero and are not scaled.

    Args:
        gain: sqrt(2) before a leaky ReLU, 1 for a linear output.

    Call arguments, of all layers:
        kernels: the forms to compute in.
    """

    def __init__(self, *, gain: float = HE_GAIN, **kwargs):
        super().__init__(**kwargs)
        if not gain > 0:
            raise ValueError(f"`gain` must be positive. Received: gain={gain}.")
        self.gain = gain

    def add_kernel(self, shape: tuple[int, ...]) -> None:
        """Makes the kernel and its scale; all axes but the last count as fan-in."""
        self.kernel_scale = self.gain / math.sqrt(math.prod(shape[:-1]))
        normal = keras.initializers.RandomNormal(stddev=1.0)
        # Scaled in float32 and cast after that: rounded once.
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=normal, experimental_autocast=False
        )

    def scaled_kernel(self, kernels: Kernels) -> tf.Tensor:
        """The kernel as it is used, in the compute type; the calls of a step share it."""
        return kernels.once(
            (self, "kernel"), lambda: tf.cast(self.kernel * self.kernel_scale, self.compute_dtype)
        )

    def add_bias(self, size: int) -> None:
        """Makes the bias."""
        self.bias = self.add_weight(name="bias", shape=(size,), initializer="zeros")

    def get_config(self) -> dict:
        return {**super().get_config(), "gain": self.gain}


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
    return value


@register
class EqualizedDense(EqualizedLayer):
    """Dense layer with equalized learning rate.

    Args:
        units: size of the output.
        gain: see `EqualizedLayer`.

    Input shape: [B, C]. Output shape: [B, units].
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = _positive("units", units)

    def build(self, input_shape) -> None:
        self.add_kernel((int(input_shape[-1]), self.units))
        self.add_bias(self.units)
        self.built = True

    def call(self, inputs, *, kernels=FAST):
        return tf.nn.bias_add(tf.matmul(inputs, self.scaled_kernel(kernels)), self.bias)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


@register
class LatentProjection(EqualizedLayer):
    """Dense layer from a latent to a 4 x 4 feature map with one bias a channel.

    It equals a 4 x 4 convolution over the padded 1 x 1 latent, whose fan-in is 16 latents: hence
    the default gain of sqrt(2) / 4.

    Args:
        filters: channels of the map.

    Input shape: [B, Z]. Output shape: [B, 4, 4, filters].
    """

    def __init__(self, filters: int, gain: float = HE_GAIN / 4, **kwargs):
        super().__init__(gain=gain, **kwargs)
        self.filters = _positive("filters", filters)

    def build(self, input_shape) -> None:
        self.add_kernel((int(input_shape[-1]), 16 * self.filters))
        self.add_bias(self.filters)
        self.built = True

    def call(self, latents, *, kernels=FAST):
        features = tf.matmul(latents, self.scaled_kernel(kernels))
        return tf.nn.bias_add(tf.reshape(features, [-1, 4, 4, self.filters]), self.bias)

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters}


@register
class EqualizedConv2D(EqualizedLayer):
    """Convolution of stride 1 and zero padding, with equalized learning rate.

    Args:
        filters: output channels.
        kernel_size: 1 or 3 here, any odd size works.
        gain: see `EqualizedLayer`.

    Input shape: [B, H, W, C]. Output shape: [B, H, W, filters].
    """

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.filters = _positive("filters", filters)
        self.kernel_size = _positive("kernel_size", kernel_size)

    def build(self, input_shape) -> None:
        self.add_kernel((self.kernel_size, self.kernel_size, int(input_shape[-1]), self.filters))
        self.add_bias(self.filters)
        self.built = True

    def call(self, inputs, *, kernels=FAST):
        return convolve(inputs, self.scaled_kernel(kernels), self.bias, kernels)

    def get_config(self) -> dict:
        sizes = {"filters": self.filters, "kernel_size": self.kernel_size}
        return {**super().get_config(), **sizes}


@register
class PoseConv2D(EqualizedConv2D):
    """3 x 3 convolution over [features, pose maps of the features' resolution].

    The one place where a pose enters a network (PSGAN figure 2). The blocks hand over keypoints,
    so that how the convolution is computed stays inside this layer: from maps at small scales,
    without them at others. The planes count in the fan-in; with no keypoints it is a plain
    `EqualizedConv2D`.

    Args:
        filters: output channels.
        num_keypoints: M; the kernel's last M input channels read the pose maps.
        keypoint_frame: size in pixels of the square that keypoints are measured in.
        upscale: double the features first (nearest neighbour).
        pose_values: of a pose map elsewhere, and in the keypoint's pixel.

    Call arguments:
        features: [B, N, N, C], or half as high and wide with `upscale`.
        keypoints: [B, M, 3] float32, x and y in pixels of the full size, visibility 0/1; a
            keyword, since Keras casts the first argument to the compute type.
    """

    def __init__(
        self,
        filters: int,
        num_keypoints: int,
        keypoint_frame: int,
        *,
        upscale: bool = False,
        pose_values: tuple[float, float] = PAPER_VALUES,
        **kwargs,
    ):
        super().__init__(filters, **kwargs)
        if num_keypoints < 0:
            raise ValueError(
                f"`num_keypoints` must not be negative. Received: num_keypoints={num_keypoints}."
            )
        self.num_keypoints = num_keypoints
        self.keypoint_frame = _positive("keypoint_frame", keypoint_frame)
        self.upscale = upscale
        self.pose_values = tuple(pose_values)

    def build(self, input_shape) -> None:
        super().build([*input_shape[:-1], int(input_shape[-1]) + self.num_keypoints])

    def call(self, features, *, keypoints=None, kernels=FAST):
        if self.num_keypoints and (
            keypoints is None or keypoints.shape[1:] != (self.num_keypoints, 3)
        ):
            received = None if keypoints is None else keypoints.shape
            raise ValueError(
                f"`keypoints` must be [batch, {self.num_keypoints}, 3]. "
                f"Received: keypoints of shape {received}."
            )
        resolution = features.shape[1] * (2 if self.upscale else 1)
        without_maps = kernels.fast and resolution >= POSES_WITHOUT_MAPS_FROM
        form = self.call_without_maps if without_maps else self.call_with_maps
        return form(features, keypoints, kernels)

    def call_with_maps(self, features, keypoints, kernels=FAST):
        """The convolution as the paper draws it, over features and maps side by side."""
        if self.upscale:
            features = upscale2x(features)
        if self.num_keypoints:
            maps = draw_pose_maps(
                keypoints,
                resolution=features.shape[1],
                frame=self.keypoint_frame,
                values=self.pose_values,
                dtype=features.dtype,
            )
            features = tf.concat([features, maps], axis=-1)
        return convolve_plain(features, self.scaled_kernel(kernels), self.bias)

    def call_without_maps(self, features, keypoints, kernels=FAST):
        """The same sums, the pose's from the keypoints."""
        kernel, pose_kernel = kernels.once(
            (self, "parts"),
            lambda: tf.split(
                self.scaled_kernel(kernels),
                [self.kernel.shape[2] - self.num_keypoints, self.num_keypoints],
                axis=2,
            ),
        )
        elsewhere, _ = self.pose_values
        has_bias = self.num_keypoints and elsewhere
        bias = self.bias + pose_bias(pose_kernel, elsewhere) if has_bias else self.bias
        outputs = convolve(features, kernel, bias, kernels, doubled=self.upscale)
        if not self.num_keypoints:
            return outputs
        return add_pose(
            outputs, keypoints, pose_kernel, frame=self.keypoint_frame, values=self.pose_values
        )

    def get_config(self) -> dict:
        pose = {
            "num_keypoints": self.num_keypoints,
            "keypoint_frame": self.keypoint_frame,
            "upscale": self.upscale,
            "pose_values": self.pose_values,
        }
        return {**super().get_config(), **pose}
