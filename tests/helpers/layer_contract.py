"""What every layer and block promises, whatever it computes; one call checks all of it."""

import json

import numpy as np
import tensorflow as tf
from tensorflow import keras

FRAME_PX = 32


def call_arguments(input_shape, num_keypoints, batch):
    """Random input and keypoints, as `layer(inputs, **keywords)` takes them."""
    rng = np.random.default_rng(batch)
    inputs = tf.constant(rng.normal(size=(batch, *input_shape)), tf.float32)
    if num_keypoints is None:
        return inputs, {}
    keypoints = rng.uniform(0, FRAME_PX, (batch, num_keypoints, 3))
    keypoints[..., 2] = 1
    return inputs, {"keypoints": tf.constant(keypoints, tf.float32)}


def assert_same_layer(layer, other):
    assert type(other) is type(layer)
    assert json.dumps(other.get_config()) == json.dumps(layer.get_config())


def check_config_round_trip(layer):
    """Through Keras and through JSON, as a saved model stores it."""
    assert_same_layer(layer, type(layer).from_config(layer.get_config()))
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    assert_same_layer(layer, keras.saving.deserialize_keras_object(json.loads(text)))


def check_weights(layer, weight_shapes):
    assert [tuple(v.shape) for v in layer.trainable_variables] == weight_shapes
    assert layer.non_trainable_variables == []
    assert {v.dtype for v in layer.trainable_variables} == {tf.float32}


def check_eager_equals_function(layer, input_shape, output_shape, num_keypoints):
    """The same numbers from one trace that knows no batch size."""
    _, keywords = call_arguments(input_shape, num_keypoints, 1)
    specs = {name: tf.TensorSpec([None, *v.shape[1:]], v.dtype) for name, v in keywords.items()}
    function = tf.function(
        lambda inputs, keywords: layer(inputs, **keywords)
    ).get_concrete_function(tf.TensorSpec([None, *input_shape], tf.float32), specs)
    assert function.output_shapes.as_list() == [None, *output_shape]
    for batch in (1, 3):
        inputs, keywords = call_arguments(input_shape, num_keypoints, batch)
        outputs = layer(inputs, **keywords)
        assert outputs.shape == (batch, *output_shape)
        assert outputs.dtype == tf.float32
        np.testing.assert_allclose(function(inputs, keywords), outputs, rtol=1e-5, atol=1e-6)


def check_mixed_precision(layer, input_shape, num_keypoints, mixed_output):
    """Under `mixed_bfloat16`: float32 weights, outputs of that type near the float32 ones."""
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
    half.build([None, *input_shape])
    assert {v.dtype for v in half.trainable_variables} == {tf.float32}
    for mine, theirs in zip(layer.trainable_variables, half.trainable_variables, strict=True):
        theirs.assign(mine)
    inputs, keywords = call_arguments(input_shape, num_keypoints, 3)
    expected, outputs = layer(inputs, **keywords), half(inputs, **keywords)
    assert outputs.dtype == mixed_output
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float32), expected, atol=0.05 * np.abs(expected).max()
    )


def check_checkpoint(layer, input_shape, num_keypoints, directory):
    """All of a layer, restored into a new one, gives the same bits."""
    path = tf.train.Checkpoint(layer=layer).save(str(directory / "layer"))
    restored = type(layer).from_config(layer.get_config())
    restored.build([None, *input_shape])
    inputs, keywords = call_arguments(input_shape, num_keypoints, 2)
    expected = layer(inputs, **keywords).numpy()
    assert not np.array_equal(restored(inputs, **keywords), expected)
    tf.train.Checkpoint(layer=restored).restore(path).assert_consumed()
    np.testing.assert_array_equal(restored(inputs, **keywords), expected)


def check_gradient_step(layer, input_shape, num_keypoints, unused):
    """All weights that a call uses have a finite gradient; a step along it lowers the loss."""
    inputs, keywords = call_arguments(input_shape, num_keypoints, 4)

    def loss():
        return tf.reduce_mean(tf.square(layer(inputs, **keywords) - 0.5))

    with tf.GradientTape() as tape:
        before = loss()
    gradients = tape.gradient(before, layer.trainable_variables)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        if any(f"{name}/" in variable.name for name in unused):
            assert gradient is None, variable.name
        else:
            assert np.isfinite(gradient).all(), variable.name
            assert np.any(gradient != 0), variable.name
            variable.assign_sub(1e-3 * gradient)
    assert loss() < before


def check_layer(
    layer_class,
    kwargs,
    *,
    input_shape,
    output_shape,
    weight_shapes,
    directory,
    num_keypoints=None,
    unused=(),
    mixed_output="bfloat16",
):
    """Checks one layer class against everything above.

    Args:
        layer_class: a registered Keras layer.
        kwargs: arguments that it is made with.
        input_shape, output_shape: without the batch.
        weight_shapes: shapes of its trainable weights in order.
        directory: where a checkpoint may be written.
        num_keypoints: M where the call takes keypoints, measured in 32 px; None where it does not.
        unused: sublayers that the call itself does not use.
        mixed_output: type of its outputs under `mixed_bfloat16`.
    """
    tf.keras.utils.set_random_seed(1)
    layer = layer_class(name="layer", **kwargs)
    check_config_round_trip(layer)
    layer.build([None, *input_shape])
    check_weights(layer, weight_shapes)
    check_eager_equals_function(layer, input_shape, output_shape, num_keypoints)
    check_mixed_precision(layer, input_shape, num_keypoints, mixed_output)
    check_checkpoint(layer, input_shape, num_keypoints, directory)
    check_gradient_step(layer, input_shape, num_keypoints, unused)
