"""Films of plain pictures."""

import numpy as np


def film(*levels):
    """A film of pictures of one grey each: [F, 2, 2, 3] uint8."""
    return np.tile(np.array(levels, np.uint8)[:, None, None, None], (1, 2, 2, 3))
