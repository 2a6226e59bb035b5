"""Random damage to files: bytes, words, and values of JSON."""

import copy
import json

from motion_files_by_hand import glb

# A hang is what takes longer than this; a good file takes milliseconds.
WATCHDOG_SECS = 20

NASTY_WORDS = [
    "nan",
    "inf",
    "-1",
    "0",
    "1e9",
    "1e308",
    "99999999999",
    "-99999999999",
    "0.5",
    "{",
    "}",
    "x",
    "MOTION",
    "JOINT",
    "3.4e38",
]


NASTY_VALUES = [
    None, True, False, -1, 0, 1, 2, 3, 0.5, 1e9, 1e308, -1e308, 2**31, 2**63, 10**30, "", "x",
    "hips", [], {}, [0], [[]], {"node": 0}, [1e30] * 3, [0, 0, 0, 0], "SCALAR", "VEC4", "MAT4",
    5121, 5126, "CUBICSPLINE", "rotation", "data:;base64,AAAA",
]  # fmt: skip


def mutate_bytes(data, draw):
    data = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        if not data:
            break
        kind, place = draw.randrange(6), draw.randrange(len(data))
        length = draw.choice([1, 2, 4, 8, 64])
        if kind == 0:
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[place : place + length] = draw.randbytes(length)
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            data[place:place] = data[place : place + length]
        elif kind == 4:
            data[place : place + 4] = draw.choice([b"\xff" * 4, bytes(4), b"\0\0\x80\x7f"])
        elif draw.random() < 0.3:
            del data[place:]
    return bytes(data)


def mutate_text(data, draw):
    if draw.random() < 0.4:
        return mutate_bytes(data, draw)
    lines = data.decode().split("\n")
    for _ in range(draw.choice([1, 1, 2, 4])):
        row = draw.randrange(len(lines))
        words = lines[row].split(" ")
        kind = draw.randrange(4)
        if kind == 0:
            words[draw.randrange(len(words))] = draw.choice(NASTY_WORDS)
        elif kind == 1:
            words.insert(draw.randrange(len(words) + 1), draw.choice(NASTY_WORDS))
        elif kind == 2:
            del words[draw.randrange(len(words))]
        else:
            words = lines[draw.randrange(len(lines))].split(" ")
        lines[row] = " ".join(words)
    return "\n".join(lines).encode()


def mutate_json(value, draw):
    """Replaces, removes or doubles one value somewhere in a document."""
    while isinstance(value, (dict, list)) and value:
        key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        child = value[key]
        if isinstance(child, (dict, list)) and child and draw.random() < 0.85:
            value = child
            continue
        kind = draw.randrange(4)
        if kind == 0:
            del value[key]
        elif kind == 1 and isinstance(child, (int, float)) and not isinstance(child, bool):
            value[key] = child + draw.choice([-1, 1, 2, 100, 1e6])
        elif kind == 2 and isinstance(value, list):
            value.append(copy.deepcopy(child))
        else:
            value[key] = copy.deepcopy(draw.choice(NASTY_VALUES))
        return


def gltf_mutator(builder):
    good = builder.glb()

    def mutate(_, draw):
        if draw.random() < 0.4:
            return mutate_bytes(good, draw)
        document = json.loads(json.dumps(builder.document))
        for _ in range(draw.choice([1, 1, 1, 2, 4])):
            mutate_json(document, draw)
        return glb(document, builder.binary)

    return good, mutate
