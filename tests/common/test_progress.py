"""Lines of progress: never too many, the last one always, and the time left from what was done."""

import re
import time

import pytest

from psgan_tf.common.progress import Pace, duration


def test_lines_closer_than_a_second_are_left_out_but_for_the_last():
    pace = Pace(total=4)
    assert [pace.line(done) for done in (1, 2, 3)] == ["", "", ""]
    assert re.fullmatch(r"4 of 4, [0-9.]+ a second", pace.line(4))


def test_the_time_left_follows_from_what_was_done_since_the_start():
    pace = Pace(total=1000, done=990)
    time.sleep(1.1)
    found = re.fullmatch(r"992 of 1000, ([0-9.]+) a second, (\d+)s left", pace.line(992))
    # Two in the seconds since the start: the 990 before say nothing on the speed.
    a_second, left_secs = float(found[1]), int(found[2])
    assert a_second <= 2 / 1.1 + 0.05
    assert left_secs >= 4


@pytest.mark.parametrize(
    ("secs", "text"),
    [
        (0.2, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (249, "4m 09s"),
        (7500, "2h 05m"),
        (273_700, "3d 04h"),
    ],
)
def test_durations_read_as_people_say_them(secs, text):
    assert duration(secs) == text
