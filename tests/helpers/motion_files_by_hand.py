"""Small motion and model files written byte by byte, whose contents the tests know by heart."""

import json
import math
import struct

import numpy as np

# A figure in the T-pose, standing at height 0, facing +z: joint positions in metres.
FIGURE = {
    "hips": (None, (0.0, 1.0, 0.0)),
    "spine": ("hips", (0.0, 1.1, 0.0)),
    "chest": ("spine", (0.0, 1.3, 0.0)),
    "neck": ("chest", (0.0, 1.5, 0.0)),
    "head": ("neck", (0.0, 1.6, 0.0)),
    **{
        side + name: (side + parent if parent[:1].isupper() else parent, (sign * x, y, z))
        for side, sign in (("left", 1.0), ("right", -1.0))
        for name, parent, (x, y, z) in [
            ("Shoulder", "chest", (0.05, 1.45, 0.0)),
            ("UpperArm", "Shoulder", (0.2, 1.45, 0.0)),
            ("LowerArm", "UpperArm", (0.45, 1.45, 0.0)),
            ("Hand", "LowerArm", (0.7, 1.45, 0.0)),
            ("UpperLeg", "hips", (0.1, 0.9, 0.0)),
            ("LowerLeg", "UpperLeg", (0.1, 0.5, 0.0)),
            ("Foot", "LowerLeg", (0.1, 0.1, 0.0)),
            ("Toes", "Foot", (0.1, 0.0, 0.15)),
        ]
    },
}
IDENTITY = (0.0, 0.0, 0.0, 1.0)


def turn(axis, degrees):
    """The quaternion (x, y, z, w) of a turn about the axis 0, 1 or 2."""
    quaternion = [0.0, 0.0, 0.0, math.cos(math.radians(degrees) / 2)]
    quaternion[axis] = math.sin(math.radians(degrees) / 2)
    return tuple(quaternion)


class GltfBuilder:
    """Collects buffer views and accessors; `glb` and `gltf` write the file."""

    def __init__(self):
        self.document = {"asset": {"version": "2.0"}, "bufferViews": [], "accessors": []}
        self.binary = b""

    def view(self, data, **members):
        self.binary += b"\0" * (-len(self.binary) % 4)
        self.document["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **members}
        )
        self.binary += data
        return len(self.document["bufferViews"]) - 1

    def accessor(self, values, kind, component=5126, **members):
        dtype = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
        values = np.asarray(values, dtype[component])
        self.document["accessors"].append(
            {
                "bufferView": self.view(values.tobytes()),
                "componentType": component,
                "count": len(values),
                "type": kind,
                **members,
            }
        )
        return len(self.document["accessors"]) - 1

    def glb(self):
        self.document["buffers"] = [{"byteLength": len(self.binary)}]
        return glb(self.document, self.binary)


def glb(document, binary=b""):
    """A binary glTF file."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def figure_nodes(figure=None):
    """GlTF nodes of a figure, named as its bones, with translations relative to the parents."""
    figure = figure or FIGURE
    names = list(figure)
    nodes = []
    for name, (parent, position) in figure.items():
        origin = figure[parent][1] if parent else (0.0, 0.0, 0.0)
        node = {"name": name, "translation": [p - o for p, o in zip(position, origin, strict=True)]}
        children = [names.index(n) for n, (p, _) in figure.items() if p == name]
        if children:
            node["children"] = children
        nodes.append(node)
    return nodes


def figure_gltf(tracks=(), figure=None, extensions=None):
    """A GltfBuilder of the figure; `tracks` are (node name, path, times, values, interpolation)."""
    builder = GltfBuilder()
    figure = figure or FIGURE
    builder.document["nodes"] = figure_nodes(figure)
    if extensions:
        builder.document["extensions"] = extensions
        builder.document["extensionsUsed"] = list(extensions)
    if tracks:
        channels, samplers = [], []
        for name, path, times, values, interpolation in tracks:
            kind = "VEC4" if path == "rotation" else "VEC3"
            samplers.append(
                {
                    "input": builder.accessor(times, "SCALAR"),
                    "output": builder.accessor(values, kind),
                    "interpolation": interpolation,
                }
            )
            channels.append(
                {
                    "sampler": len(samplers) - 1,
                    "target": {"node": list(figure).index(name), "path": path},
                }
            )
        builder.document["animations"] = [
            {"name": "clip", "channels": channels, "samplers": samplers}
        ]
    return builder


def humanoid_extension(version="animation"):
    """The VRM extension that maps each bone to the figure's node of the same name."""
    nodes = {bone: {"node": index} for index, bone in enumerate(FIGURE)}
    if version == "0":
        bones = [{"bone": bone, **node} for bone, node in nodes.items()]
        return {"VRM": {"humanoid": {"humanBones": bones}, "meta": {}}}
    name = {"animation": "VRMC_vrm_animation", "1": "VRMC_vrm"}[version]
    return {name: {"specVersion": "1.0", "humanoid": {"humanBones": nodes}}}


def bvh(rows, channels=None, figure=None, frame_secs=0.1, end="\n", unit=1.0, names=None):
    """A BVH text of a figure (y up).

    `channels` maps bones to their channel names; others have Zrotation Xrotation Yrotation, the
    root three positions before them. `rows` are lists of numbers, or one {bone: numbers} a frame.
    """
    figure = figure or FIGURE
    channels = channels or {}
    lines = ["HIERARCHY"]
    order = []

    def joint(name, depth):
        parent, position = figure[name]
        origin = figure[parent][1] if parent else (0.0, 0.0, 0.0)
        offset = " ".join(f"{(p - o) * unit:.6f}" for p, o in zip(position, origin, strict=True))
        indent = "\t" * depth
        keyword = "JOINT" if parent else "ROOT"
        listed = channels.get(name)
        if listed is None:
            listed = ["Zrotation", "Xrotation", "Yrotation"]
            if not parent:
                listed = ["Xposition", "Yposition", "Zposition", *listed]
        order.append((name, listed))
        lines.append(f"{indent}{keyword} {(names or {}).get(name, name)}")
        lines.append(f"{indent}{{")
        lines.append(f"{indent}\tOFFSET {offset}")
        lines.append(f"{indent}\tCHANNELS {len(listed)} {' '.join(listed)}")
        children = [n for n, (p, _) in figure.items() if p == name]
        for child in children:
            joint(child, depth + 1)
        if not children:
            lines.append(f"{indent}\tEnd Site\n{indent}\t{{\n{indent}\t\tOFFSET 0 0 0.1")
            lines.append(f"{indent}\t}}")
        lines.append(f"{indent}}}")

    joint(next(iter(figure)), 0)
    lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {frame_secs}"]
    for row in rows:
        numbers = []
        for name, listed in order:
            rest = [{"X": 0, "Y": 1, "Z": 2}[c[0]] for c in listed if c.endswith("position")]
            parent, position = figure[name]
            origin = figure[parent][1] if parent else (0.0, 0.0, 0.0)
            default = [(position[a] - origin[a]) * unit for a in rest]
            default += [0.0] * (len(listed) - len(rest))
            numbers += row.get(name, default)
        lines.append(" ".join(f"{number:.6f}" for number in numbers))
    return "\n".join(lines).replace("\n", end) + end


STRAIGHT_CURVE = bytes([20] * 8 + [107] * 8) * 4


def vmd(keys, switches=None, model="test", curves=STRAIGHT_CURVE, between=True):
    """A VMD file; `keys` are (bone, frame, position, quaternion) in the file's own axes."""
    data = b"Vocaloid Motion Data 0002".ljust(30, b"\0") + model.encode("cp932").ljust(20, b"\0")
    data += struct.pack("<I", len(keys))
    for name, frame, position, rotation in keys:
        data += name.encode("cp932").ljust(15, b"\0")
        data += struct.pack("<I7f", frame, *position, *rotation) + curves
    if between:
        data += struct.pack("<4I", 0, 0, 0, 0)  # morphs, camera, light, self shadow
    if switches is not None:
        data += struct.pack("<I", len(switches))
        for frame, states in switches:
            data += struct.pack("<IBI", frame, 1, len(states))
            for name, on in states.items():
                data += name.encode("cp932").ljust(20, b"\0") + bytes([on])
    return data


def written(folder, name, content):
    """The path of a new file with this text or these bytes."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
