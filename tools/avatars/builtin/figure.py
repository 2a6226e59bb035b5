"""All of Koharu but her clothes: body, face and every hair style."""

from __future__ import annotations

from functools import lru_cache

from tools.avatars.builtin.body.body import body_parts
from tools.avatars.builtin.body.head import head_parts
from tools.avatars.builtin.hair.hair import hair_parts
from tools.avatars.builtin.shapes.part import Part


@lru_cache(maxsize=1)
def _parts() -> tuple[Part, ...]:
    return (*body_parts(), *head_parts(), *hair_parts())


def figure_parts() -> list[Part]:
    """Her body in regions, the head with the face's layers, and the hair styles to choose from."""
    return list(_parts())
