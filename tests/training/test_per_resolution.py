"""Settings with a number per resolution: read, written, refused."""

import pytest

from psgan_tf.training.per_resolution import PerResolution


def test_a_setting_is_read_with_its_exceptions():
    setting = PerResolution.parse(" 16, 256:12 ,512:5", "batch_size")
    assert [setting.at(n) for n in (4, 128, 256, 512, 1024)] == [16, 16, 12, 5, 16]
    assert PerResolution.parse("0.5", "x").at(8) == 0.5


def test_a_setting_with_a_default_may_name_exceptions_alone():
    setting = PerResolution.parse("512:3, 1024:1", "micro_batch", default=0)
    assert [setting.at(n) for n in (4, 512, 1024)] == [0, 3, 1]
    assert PerResolution.parse("", "micro_batch", default=0).at(8) == 0
    assert PerResolution.parse("6,8:2", "micro_batch", default=0).at(4) == 6
    with pytest.raises(ValueError, match="`micro_batch` must be a number"):
        PerResolution.parse("512:3,", "micro_batch", default=0)


@pytest.mark.parametrize(
    "text", ["600", "0", "0.001,128:0.0008", "16,256:12,512:5", "1e-12", "123456.75", "2,8:0"]
)
def test_a_setting_is_written_as_it_is_read(text):
    setting = PerResolution.parse(text, "x")
    assert str(setting) == text
    assert PerResolution.parse(str(setting), "x") == setting


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sixteen",
        "16,",
        "16,256",
        "16,256:",
        "16,:12",
        "16,256:12:5",
        "256:12",
        "16;256:12",
        "16,255:12",
        "16,2:12",
        "16,0:12",
        "16,-8:12",
        "16,8.0:12",
        "16,8:12,8:4",
        "-16",
        "16,256:-12",
        "nan",
        "16,256:inf",
    ],
)
def test_a_setting_of_another_form_is_refused_by_name(text):
    with pytest.raises(
        ValueError, match=r"`batch_size` must be a number, then exceptions"
    ) as error:
        PerResolution.parse(text, "batch_size")
    assert (
        f"such as 16,256:12,512:5, with no negative number. Received: batch_size={text!r}."
        in str(error.value)
    )
