"""Selection of characters to draw: seeds, saved characters, a blend, interpolation in steps.

Blends and walks are those of animations (`latent_mixing.py`), their steps here are characters of
their own. No TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from psgan_tf.generation.backends.protocol import GeneratorBackend
from psgan_tf.generation.characters import (
    Character,
    DrawnCharacter,
    check_latent_sizes,
    fingerprint_warnings,
    load_characters,
    parse_seeds,
    subjects_of,
)
from psgan_tf.generation.latent_mixing import (
    BlendPart,
    Latents,
    latents_of,
    mixed_name,
    parse_parts,
    spherical_mean,
    walk,
)

DEFAULT_SEEDS = "0-7"


@dataclass(frozen=True)
class CharacterSelection:
    """Whom a user wants to see.

    Attributes:
        seeds: numbers.
        files: saved characters, and PNGs by `generate` with one or more.
        blend: what one more is mixed of; empty for none.
        walk: from whom to whom to go; empty for nobody.
        steps: of the walk, between each two.
    """

    seeds: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    blend: tuple[BlendPart, ...] = ()
    walk: tuple[BlendPart, ...] = ()
    steps: int = 0


def parse_selection(
    seeds: str | None, files: Sequence[str], blend: str, walk_of: str, steps: int
) -> CharacterSelection:
    """What flags say; without any, the first seeds.

    Args:
        seeds: as of `parse_seeds`; None where they are not given, blank for none.
        files, steps: as of `CharacterSelection`.
        blend, walk_of: as of `parse_parts`; blank for none.

    Raises:
        ValueError: one is of another form, or together they name nobody.
    """
    if seeds is None:
        seeds = "" if files or blend or walk_of else DEFAULT_SEEDS
    if not (seeds.strip() or files or blend or walk_of):
        raise ValueError(
            "`seeds`, `characters`, `blend` or `walk` must name somebody. Received: nothing. "
            "Name seeds, as --seeds=0-7."
        )
    return CharacterSelection(
        tuple(parse_seeds(seeds)) if seeds.strip() else (),
        tuple(files),
        parse_parts(blend, "blend", weighted=True) if blend else (),
        parse_parts(walk_of, "walk", weighted=False) if walk_of else (),
        steps,
    )


@dataclass(frozen=True, eq=False)
class SelectedCharacters:
    """Those who are drawn.

    Attributes:
        subjects: N of them, in order.
        latents: [N, Z].
        read: the characters that came from files, parts of blends and walks among them.
    """

    subjects: list[DrawnCharacter]
    latents: Latents
    read: list[Character]


def walk_steps(
    latents: Latents, names: Sequence[str], steps: int
) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """Characters and the steps from each to the next, named by how far they are.

    Args:
        latents: [N, Z].
        names: of the N characters.
        steps: how many between each two.

    Returns:
        (N - 1) (steps + 1) + 1 names and latents. The step at a part t of the way from A to B is
        `spherical_mean` of the two with weights 1 - t and t, and is called so.
    """
    named = []
    for place, latent in enumerate(walk(latents, (len(latents) - 1) * (steps + 1) + 1, False)):
        stop, step = divmod(place, steps + 1)
        t = step / (steps + 1)
        mix = mixed_name(names[stop : stop + 2], (round(1 - t, 3), round(t, 3))) if step else ""
        named.append((mix or names[stop], latent))
    return named


def load_selection(
    wish: CharacterSelection, latent_size: int, latents_from_seeds: Callable[[list[int]], Latents]
) -> SelectedCharacters:
    """Reads and mixes those that are wanted: seeds, files, the blend, the walk.

    Args:
        wish: whom.
        latent_size: Z.
        latents_from_seeds: seeds to [S, Z]; asked after all files are read.

    Raises:
        ValueError: a file holds no character, or one of a network of another latent size.
    """
    saved = [character for path in wish.files for character in load_characters(path)]
    check_latent_sizes(saved, latent_size)
    drawn, read = list(saved), list(saved)

    def parts_of(parts: Sequence[BlendPart]) -> tuple[Latents, list[str]]:
        latents, characters = latents_of(parts, latent_size, latents_from_seeds)
        read.extend(characters)
        of_files = iter(characters)
        return latents, [p.text if p.seed is not None else next(of_files).name for p in parts]

    if wish.blend:
        latents, names = parts_of(wish.blend)
        weights = [part.weight for part in wish.blend]
        drawn.append(Character(mixed_name(names, weights), spherical_mean(latents, weights), ""))
    if wish.walk:
        steps = walk_steps(*parts_of(wish.walk), wish.steps)
        drawn += [Character(name, latent, "") for name, latent in steps]
    subjects = subjects_of(wish.seeds, drawn)
    seeds = [subject.seed for subject in subjects if subject.seed is not None]
    of_seeds = iter(latents_from_seeds(seeds) if seeds else ())
    all_latents = [next(of_seeds) if s.latent is None else s.latent for s in subjects]
    return SelectedCharacters(subjects, np.stack(all_latents).astype(np.float32), read)


def latents_of_parts(
    parts: Sequence[BlendPart], painter: GeneratorBackend, warn: Callable[[str], None]
) -> Latents:
    """The latents of a latent path's parts, [N, Z].

    Args:
        parts: seeds and saved characters.
        painter: whose characters they are to be.
        warn: takes a line for each character that was saved from another checkpoint.

    Raises:
        ValueError: a file is no character, or one of another latent size.
    """
    from psgan_tf.model.latents import latents_from_seeds  # loads TensorFlow

    def of_seeds(seeds: list[int]) -> Latents:
        latents: Latents = latents_from_seeds(
            np.array(seeds, np.int64), painter.latent_size
        ).numpy()
        return latents

    latents, characters = latents_of(parts, painter.latent_size, of_seeds)
    for warning in fingerprint_warnings(characters, painter.fingerprint):
        warn(warning)
    return latents
