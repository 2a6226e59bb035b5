"""Options of a rendering job: angles as lists and ranges."""

import pytest

from tools.avatars.dataset.options import Angles, parse_angles


@pytest.mark.parametrize(
    ("text", "degrees", "is_range"),
    [("0", (0.0,), False), ("0,90,-30.5", (0.0, 90.0, -30.5), False), ("-60:60", (-60, 60), True)],
)
def test_angles_are_a_list_or_a_range(text, degrees, is_range):
    assert parse_angles(text, "yaw", 360.0) == Angles(degrees, is_range)


@pytest.mark.parametrize("text", ["", "a", "0,0", "60:-60", "0:1:2", "361", "nan", "1,"])
def test_other_angles_are_refused(text):
    with pytest.raises(ValueError, match="`yaw` must be different angles"):
        parse_angles(text, "yaw", 360.0)
