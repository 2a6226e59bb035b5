"""Moving pictures as files: MP4, WebM, GIF, WebP, APNG, sprite sheets and PNG sequences."""

from psgan_tf.video.writing import FORMATS, open_writer, write_animation

__all__ = ["FORMATS", "open_writer", "write_animation"]
