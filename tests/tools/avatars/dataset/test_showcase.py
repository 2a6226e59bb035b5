"""The documentation's pictures of the built-in avatar."""

import numpy as np

from tools.avatars.dataset.showcase import CLOSE_UPS, Showcase


def test_a_close_up_shows_its_bone_in_the_middle_of_a_picture_of_1024(builtin_files):
    showcase = Showcase(builtin_files)
    (hand,) = [one for one in CLOSE_UPS if one.motion == "wave"]
    picture = showcase.close_ups([hand]).astype(int)
    assert picture.shape == (1024, 1024, 3)
    assert (picture[:, [0, -1]] == 255).all(), "the arm comes from below, beside it is nothing"
    red, green, blue = picture[480:544, 480:544].reshape(-1, 3).T
    assert np.all((red > 200) & (red > green) & (green > blue)), "lit or shaded skin"
