"""A client of TensorFlow Serving's gRPC interface; knows no characters.

from psgan_tf.serving_client import Question, RemoteModel
"""

from psgan_tf.serving_client.client import Answer, Question, RemoteModel
from psgan_tf.serving_client.rpc import RemoteError, Tls

__all__ = ["Answer", "Question", "RemoteError", "RemoteModel", "Tls"]
