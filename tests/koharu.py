"""The built-in avatar's figure, made once for all tests of a process."""

from functools import lru_cache

from tools.avatars.builtin.figure import figure_parts


@lru_cache(maxsize=1)
def koharu_figure():
    """Her parts without clothes."""
    return tuple(figure_parts())
