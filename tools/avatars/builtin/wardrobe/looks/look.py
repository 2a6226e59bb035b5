"""Description of a costume: hair, eyes, and garments in their colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """One costume.

    Attributes:
        name: as a person would call it.
        hair: fringe, back and colour: "Full Ponytail chestnut" wears `HairFringeFull` and
            `HairBackPonytail`.
        eyes: colour of the irises.
        wear: garment to the colours of its parts in their order, the garment itself first; the
            last colour is used for all parts that follow, "-" leaves a part out.
    """

    name: str
    hair: str
    eyes: str
    wear: Mapping[str, str]


def look(name: str, hair: str, eyes: str, **wear: str) -> Look:
    """A look whose garments are written as keywords."""
    return Look(name, hair, eyes, wear)
