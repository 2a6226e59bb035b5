"""Small frames, avatars and pictures whose every number the tests know."""

import io

import numpy as np
from PIL import Image

from motion_files_by_hand import FIGURE, figure_gltf, humanoid_extension
from tools.avatars.renderer.cpu_backend import draw_on_cpu
from tools.avatars.renderer.rasterizer import Frame
from tools.avatars.renderer.shading import build_material_table
from tools.avatars.renderer.textures import build_texture_bank
from tools.avatars.scene import Material

RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
FRONT_FACING = (0.0, 0.0, 1.0)


def flat(color=RED, **changes):
    """A material of one colour that no light changes, seen from both sides."""
    return Material("flat", lit_color=color, unlit=True, double_sided=True, **changes)


def frame_of(triangles, materials=None, uvs=None, kept_sides=None, ink=0, blended=0, normals=None):
    """A Frame of triangles given as [T, 3, 3] corners (x, y in pixels, distance).

    The last `blended` triangles are blended, the `ink` before them are ink.
    """
    corners = np.asarray(triangles, np.float32).reshape(-1, 3)
    count = len(corners) // 3
    uvs = np.zeros((3 * count, 2)) if uvs is None else np.reshape(uvs, (-1, 2))
    normals = np.tile(FRONT_FACING, (3 * count, 1)) if normals is None else normals
    return Frame(
        positions=corners,
        normals=np.reshape(normals, (-1, 3)).astype(np.float32),
        uvs=uvs.astype(np.float32),
        tints=np.ones((3 * count, 4), np.float32),
        triangles=np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
        materials=np.array(materials if materials is not None else [0] * count, np.int32),
        kept_sides=np.array(kept_sides if kept_sides is not None else [0] * count, np.int32),
        first_ink=count - blended - ink,
        first_blended=count - blended,
    )


def drawn(frame, materials, size=8, samples=1, textures=(), **options):
    """The frame as [size, size, 4] uint8."""
    return draw_on_cpu(
        frame,
        build_material_table(tuple(materials)),
        build_texture_bank(tuple(textures)),
        (size, size),
        samples,
        **options,
    )


def rectangle(left, top, right, bottom, distance=0.0):
    """Two triangles, counter-clockwise on the picture."""
    a, b = (left, top, distance), (left, bottom, distance)
    c, d = (right, bottom, distance), (right, top, distance)
    return [[a, b, c], [a, c, d]]


def png(pixels):
    """An encoded picture of [H, W, 3 or 4]."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


# An octahedron round the origin, counter-clockwise from outside.
_OCTAHEDRON_CORNERS = np.array(
    [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], np.float32
)
_OCTAHEDRON_FACES = np.array(
    [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)],
    np.uint16,
)


def bone_color(index):
    """A colour of its own for the bone `index` (as bytes), far from white."""
    return (60 + 5 * (index % 5), 10 + 9 * index, 200 - 7 * index)


def figure_avatar(radius=0.04, extensions=None, figure=None, skinned=False, meta=None):
    """A GltfBuilder of the T-pose figure with a small unlit octahedron at each bone's joint.

    Each has the colour `bone_color` of its bone. Skinned, all hang on one mesh; else each is a
    mesh of its own on its bone's node.
    """
    figure = figure or FIGURE
    builder = figure_gltf(figure=figure, extensions=extensions)
    document = builder.document
    if meta:
        document["asset"] |= meta
    nodes = document["nodes"]
    colors = [
        [((c / 255 + 0.055) / 1.055) ** 2.4 if c > 10 else c / 255 / 12.92 for c in bone_color(i)]
        for i in range(len(figure))
    ]
    document["materials"] = [
        {
            "name": f"{name} paint",
            "pbrMetallicRoughness": {"baseColorFactor": [*color, 1.0]},
            "extensions": {"KHR_materials_unlit": {}},
        }
        for name, color in zip(figure, colors, strict=True)
    ]
    faces = builder.accessor(_OCTAHEDRON_FACES.ravel(), "SCALAR", 5123)
    ball = builder.accessor(_OCTAHEDRON_CORNERS * radius, "VEC3")
    names = list(figure)
    if skinned:
        _skin(builder, figure, radius, faces)
    else:
        document["meshes"] = [
            {
                "name": f"{name} ball",
                "primitives": [
                    {"attributes": {"POSITION": ball}, "indices": faces, "material": index}
                ],
            }
            for index, name in enumerate(names)
        ]
        for index, node in enumerate(nodes):
            node["mesh"] = index
    document["scenes"] = [{"nodes": list(range(len(nodes)))}]
    return builder


def _skin(builder, figure, radius, faces):
    """One mesh with a part for each bone, bound to the joints at their rest positions."""
    document = builder.document
    binds = np.tile(np.eye(4, dtype=np.float32), (len(figure), 1, 1))
    primitives = []
    for index, (_, position) in enumerate(figure.values()):
        binds[index, :3, 3] = -np.array(position)
        joints = np.zeros((6, 4), np.uint8)
        joints[:, 0] = index
        weights = np.zeros((6, 4), np.float32)
        weights[:, 0] = 1.0
        primitives.append(
            {
                "attributes": {
                    "POSITION": builder.accessor(_OCTAHEDRON_CORNERS * radius + position, "VEC3"),
                    "JOINTS_0": builder.accessor(joints, "VEC4", 5121),
                    "WEIGHTS_0": builder.accessor(weights, "VEC4"),
                },
                "indices": faces,
                "material": index,
            }
        )
    columns_first = np.swapaxes(binds, 1, 2)
    document["skins"] = [
        {
            "joints": list(range(len(figure))),
            "inverseBindMatrices": builder.accessor(columns_first, "MAT4"),
        }
    ]
    document["meshes"] = [{"name": "balls", "primitives": primitives}]
    document["nodes"].append({"name": "Body", "mesh": 0, "skin": 0})


MTOON_0 = {
    "name": "hips paint",
    "shader": "VRM/MToon",
    "renderQueue": 2501,
    "floatProperties": {
        "_BlendMode": 3,
        "_CullMode": 0,
        "_Cutoff": 0.4,
        "_OutlineColorMode": 1,
        "_OutlineLightingMix": 0.5,
        "_OutlineWidth": 0.5,
        "_OutlineWidthMode": 1,
        "_RimFresnelPower": 2,
        "_RimLift": 0.1,
        "_ShadeShift": -0.2,
        "_ShadeToony": 0.8,
    },
    "vectorProperties": {
        "_Color": [1, 0.5, 0.5, 0.9],
        "_EmissionColor": [0.1, 0, 0, 1],
        "_MainTex": [0.1, 0.2, 1, 1],
        "_OutlineColor": [0, 0, 0, 1],
        "_RimColor": [0.2, 0.2, 0.2, 1],
        "_ShadeColor": [0.5, 0.3, 0.3, 1],
    },
    "textureProperties": {"_MainTex": 0, "_ShadeTexture": 0, "_SphereAdd": 0},
}


MTOON_1 = {
    "specVersion": "1.0",
    "shadeColorFactor": [0.3, 0.3, 0.4],
    "shadeMultiplyTexture": {"index": 0},
    "shadingToonyFactor": 0.8,
    "outlineWidthMode": "screenCoordinates",
    "outlineWidthFactor": 0.01,
    "outlineWidthMultiplyTexture": {"index": 0},
    "parametricRimColorFactor": [0.1, 0.1, 0.1],
    "matcapTexture": {"index": 0},
    "renderQueueOffsetNumber": 1,
    "transparentWithZWrite": True,
}


def avatar_seed(version):
    """A small skinned, textured VRM file with shapes, expressions and MToon of either version."""
    extensions = humanoid_extension(version)
    builder = figure_avatar(0.08, extensions=extensions, skinned=True)
    document = builder.document
    image = builder.view(png(np.random.default_rng(0).integers(0, 256, (8, 8, 4))))
    document["images"] = [{"bufferView": image, "mimeType": "image/png"}]
    document["samplers"] = [{"wrapS": 33071, "magFilter": 9728}]
    document["textures"] = [{"source": 0, "sampler": 0}]
    first = document["meshes"][0]["primitives"][0]
    vertices = [(0.0, 0.1 * k, 0.0) for k in range(6)]
    first["targets"] = [{"POSITION": builder.accessor(vertices, "VEC3")}]
    first["attributes"] |= {
        "NORMAL": builder.accessor([(0, 0, 1)] * 6, "VEC3"),
        "TEXCOORD_0": builder.accessor([(0.2 * k, 0.5) for k in range(6)], "VEC2"),
        "COLOR_0": builder.accessor([(255, 9, 9, 255)] * 6, "VEC4", 5121, normalized=True),
    }
    base = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0]}}}
    for material in document["materials"][:2]:
        material["pbrMetallicRoughness"]["baseColorTexture"] = base
        material |= {"alphaMode": "MASK", "alphaCutoff": 0.3, "doubleSided": True}
    if version == "0":
        bind = {"mesh": 0, "index": 0, "weight": 50}
        extensions["VRM"]["blendShapeMaster"] = {
            "blendShapeGroups": [{"presetName": "joy", "binds": [bind]}]
        }
        extensions["VRM"]["materialProperties"] = [MTOON_0]
    else:
        bind = {"node": len(FIGURE), "index": 0, "weight": 0.5}
        extensions["VRMC_vrm"]["expressions"] = {"preset": {"happy": {"morphTargetBinds": [bind]}}}
        document["materials"][1]["extensions"] = {"VRMC_materials_mtoon": MTOON_1}
    return builder
