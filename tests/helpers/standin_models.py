"""A small model that tests serve, with signatures that tell how they were batched."""

from pathlib import Path

import tensorflow as tf

LATENT = tf.TensorSpec([None, 64], tf.float32, "latent")
GATE = tf.TensorSpec([None], tf.string, "gate")
PSI = tf.TensorSpec([None], tf.float32, "psi")
ANY_PSI = tf.TensorSpec(None, tf.float32, "psi")
TEXT = tf.TensorSpec([None], tf.string, "text")
COUNT = tf.TensorSpec([None, 2], tf.int64, "count")


class Batched(tf.Module):
    """Signatures that tell the rows the graph saw, wait, or cannot be batched."""

    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(tf.random.stateless_normal([64, 192], seed=[7, 0]))

    @tf.function(input_signature=[LATENT])
    def serve(self, latent):
        rows = tf.shape(latent)[0]
        images = tf.reshape(latent @ self.weights, [-1, 8, 8, 3])
        return {"images": images, "rows": tf.fill([rows], rows)}

    @tf.function(input_signature=[LATENT, GATE])
    def held(self, latent, gate):
        """Runs for as long as the first row's file is there."""
        pattern = gate[0]
        turns = tf.while_loop(
            lambda turn: tf.size(tf.io.matching_files(pattern)) > 0,
            lambda turn: [turn + 1],
            [tf.constant(0, tf.int64)],
        )
        rows = tf.shape(latent)[0] + tf.cast(turns[0] * 0, tf.int32)
        return {"rows": tf.fill([tf.shape(latent)[0]], rows)}

    @tf.function(input_signature=[LATENT, PSI])
    def with_psi(self, latent, psi):
        return {"scaled": latent * psi[:, None]}

    @tf.function(input_signature=[LATENT, ANY_PSI])
    def any_psi(self, latent, psi):
        return {"scaled": latent * tf.reduce_mean(psi)}

    @tf.function(input_signature=[LATENT])
    def mean(self, latent):
        return {"mean": tf.reduce_mean(latent)}

    @tf.function(input_signature=[TEXT])
    def texts(self, text):
        return {"text": text, "text_bytes": text, "length": tf.strings.length(text)}

    @tf.function(input_signature=[COUNT])
    def counts(self, count):
        return {"count": count * 2}


def save_batched(folder):
    """Writes version 1 under `folder/bat`; returns that path."""
    model = Batched()
    signatures = {
        "serving_default": model.serve,
        "held": model.held,
        "with_psi": model.with_psi,
        "any_psi": model.any_psi,
        "mean": model.mean,
        "texts": model.texts,
        "counts": model.counts,
    }
    tf.saved_model.save(model, str(Path(folder, "bat", "1")), signatures)
    return Path(folder, "bat")
