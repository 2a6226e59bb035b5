"""Films of a network beside the rendered truth, and their plots."""
