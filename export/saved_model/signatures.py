"""Signatures of an exported generator, as functions of a `tf.Module`.

Servers merge and pad batches, and compare no shape with the signature. So every input and output
has a leading batch dimension, a row depends on nothing but its own inputs, and the graph itself
refuses what has another size, naming the input.

There is no truncation: the generator normalizes its latent first, so that a shorter latent is the
same character.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from psgan_tf.model.latents import latents_from_seeds, slerp
from psgan_tf.model.networks import Generator

# Seven times faster than the default at 1024 x 1024, for a file a fifth larger.
_PNG_COMPRESSION = 1


def images_to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Network pictures to bytes, as `reporting.to_uint8` does in numpy.

    Args:
        images: [..., 3] float32, about -1 to 1; what is no number comes out as 0.
    """
    values = tf.clip_by_value(tf.round(images * 127.5 + 127.5), 0, 255)
    return tf.cast(tf.where(tf.math.is_nan(values), 0.0, values), tf.uint8)


def require_shape(name: str, tensor: tf.Tensor, sizes: tuple[int, ...]) -> tf.Tensor:
    """The tensor, once its shape is known to be [batch, *sizes]; checked when the graph runs.

    Raw ops: the public ones look at the shape that the signature promises, and leave the check out.

    Args:
        name: the input's, for the message.
        tensor: as it was fed.
        sizes: of all dimensions but the first.
    """
    shape = tf.raw_ops.Shape(input=tensor)
    expected = ", ".join(["batch", *map(str, sizes)])
    rule = f"`{name}` must have the shape [{expected}]. Received:"
    # Ranks first, since shapes of other ranks cannot be compared.
    has_rank = tf.equal(tf.raw_ops.Size(input=shape), 1 + len(sizes))
    with tf.control_dependencies([tf.raw_ops.Assert(condition=has_rank, data=[rule, shape])]):
        fits = tf.reduce_all(tf.equal(tf.identity(shape)[1:], sizes))
    with tf.control_dependencies([tf.raw_ops.Assert(condition=fits, data=[rule, shape])]):
        return tf.identity(tensor)


def require_one_batch(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The inputs, once they are known to be of one batch size; else one row would be repeated."""
    (first, *others) = [tf.raw_ops.Shape(input=tensor)[0] for tensor in inputs.values()]
    names = " and ".join(f"`{name}`" for name in inputs)
    checks = [
        tf.raw_ops.Assert(
            condition=tf.equal(first, other),
            data=[f"{names} must have one batch size. Received:", tf.stack([first, *others])],
        )
        for other in others
    ]
    with tf.control_dependencies(checks):
        return {name: tf.identity(tensor) for name, tensor in inputs.items()}


class ServedGenerator(tf.Module):
    """A generator at one resolution with the signatures that it is served by.

    A keypoint that is not visible, out of frame or no number is drawn as missing. A latent with a
    value that is no finite number gives a black picture rather than an error, since the other
    rows of a merged batch may be another client's.

    Args:
        generator: with the weights to serve.
        resolution: of the pictures, in pixels.
        alpha: weight of the resolution's layers where they are still being faded in, else None.
        description: JSON text that clients are told, so that the server alone is enough to ask it.
    """

    def __init__(
        self, generator: Generator, resolution: int, alpha: float | None, description: str
    ):
        super().__init__(name="served_generator")
        self._config = generator.config
        # The network itself stays out of the SavedModel: loading must not need its class.
        self._draw = lambda latents, keypoints: generator(
            latents, keypoints=keypoints, resolution=resolution, alpha=alpha
        )
        self.weights = generator.active_variables(resolution, alpha is not None)
        latents, seeds = self._latents_spec("latents"), tf.TensorSpec([None], tf.int64, "seeds")
        ends = [self._latents_spec(name) for name in ("latents_a", "latents_b")]
        self.png = self._function(self._png, latents)
        self.uint8 = self._function(self._uint8, latents)
        self.serialized = self._function(self._serialized, latents)
        self.from_seed = self._function(self._from_seed, seeds)
        t = tf.TensorSpec([None], tf.float32, "t")
        self.interpolate = self._function(self._interpolate, *ends, t)
        self._description = description
        rows = tf.TensorSpec([None], tf.int64, "rows")
        self.describe = tf.function(self._describe, input_signature=[rows], autograph=False)

    @property
    def signatures(self) -> dict[str, Callable]:
        """The functions by signature name."""
        return {
            "serving_default": self.png,
            "images_uint8": self.uint8,
            "images_serialized": self.serialized,
            "from_seed": self.from_seed,
            "interpolate": self.interpolate,
            "describe": self.describe,
        }

    def _latents_spec(self, name: str) -> tf.TensorSpec:
        return tf.TensorSpec([None, self._config.latent_size], tf.float32, name)

    def _function(self, method: Callable, *inputs: tf.TensorSpec) -> Callable:
        """A graph of these inputs and, where the network takes a pose, of `keypoints`."""
        m = self._config.num_keypoints
        keypoints = [tf.TensorSpec([None, m, 3], tf.float32, "keypoints")] if m else []
        return tf.function(method, input_signature=[*inputs, *keypoints], autograph=False)

    def _checked(self, **inputs: tf.Tensor | None) -> list[tf.Tensor | None]:
        """The inputs in order, each of its proper size and all of one batch."""
        sizes = {"keypoints": (self._config.num_keypoints, 3), "seeds": (), "t": (), "rows": ()}
        given = {
            name: require_shape(name, tensor, sizes.get(name, (self._config.latent_size,)))
            for name, tensor in inputs.items()
            if tensor is not None
        }
        given = require_one_batch(given)
        return [given.get(name) for name in inputs]

    def _pictures(self, latents: tf.Tensor, keypoints: tf.Tensor | None) -> tf.Tensor:
        """[N, R, R, 3] uint8."""
        drawn = self._draw(_at_least_one_row(latents), _at_least_one_row(keypoints))
        return images_to_uint8(drawn)[: tf.shape(latents)[0]]

    def _uint8(self, latents, keypoints=None):
        latents, keypoints = self._checked(latents=latents, keypoints=keypoints)
        return {"images": self._pictures(latents, keypoints)}

    def _serialized(self, latents, keypoints=None):
        latents, keypoints = self._checked(latents=latents, keypoints=keypoints)
        pictures = self._pictures(latents, keypoints)
        texts = tf.map_fn(tf.io.serialize_tensor, pictures, fn_output_signature=tf.string)
        return {"tensor_bytes": texts}

    def _png(self, latents, keypoints=None):
        latents, keypoints = self._checked(latents=latents, keypoints=keypoints)
        return _encoded(self._pictures(latents, keypoints))

    def _from_seed(self, seeds, keypoints=None):
        seeds, keypoints = self._checked(seeds=seeds, keypoints=keypoints)
        latents = latents_from_seeds(seeds, self._config.latent_size)
        return _encoded(self._pictures(latents, keypoints))

    def _interpolate(self, latents_a, latents_b, t, keypoints=None):
        start, end, t, keypoints = self._checked(
            latents_a=latents_a, latents_b=latents_b, t=t, keypoints=keypoints
        )
        return _encoded(self._pictures(slerp(start, end, t), keypoints))

    def _describe(self, rows):
        """The same text for each row; with an input only because servers batch by one."""
        (rows,) = self._checked(rows=rows)
        return {"description_json": tf.fill(tf.shape(rows), self._description)}


def _at_least_one_row(tensor: tf.Tensor | None) -> tf.Tensor | None:
    """The tensor, or one row of zeros where it has none.

    On processors with AVX-512 TensorFlow's fused convolutions fail on batches of none.
    """
    if tensor is None:
        return None
    missing = tf.cast(tf.equal(tf.shape(tensor)[0], 0), tf.int32)
    return tf.pad(tensor, [[0, missing], *[[0, 0]] * (tensor.shape.rank - 1)])


def _encoded(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"png_bytes": tf.io.encode_png(pictures, compression=_PNG_COMPRESSION)}
