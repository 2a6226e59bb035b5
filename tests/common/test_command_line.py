"""What all programs have in common on the command line."""

import pytest

from run_programs import run


@pytest.mark.parametrize("program", ["tools.convert_pose", "tools.render_avatars", "export.client"])
def test_asking_for_help_is_no_error(program):
    status, output = run(program, "--help")
    assert status == 0
    assert "--output" in output


def test_an_unknown_flag_is_one_line_and_an_error():
    status, output = run("tools.convert_pose", "--speed=9")
    assert status == 1
    assert output.startswith("convert_pose: Unknown command line flag 'speed'")
    assert output.count("\n") == 1
