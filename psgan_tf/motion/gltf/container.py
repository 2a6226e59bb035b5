"""The container of a glTF 2.0 file: chunks of a .glb, required extensions, buffers and URIs.

Format: the Khronos glTF 2.0 specification, sections 3.6.1, 3.12 and 4.
"""

from __future__ import annotations

import base64
import binascii
import struct
from pathlib import Path
from urllib.parse import unquote

from psgan_tf.common.json_document import JsonValue

_GLB_MAGIC = b"glTF"
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942

# `extensionsRequired` that a reader of shapes, skins and motions can honour or safely pass over
# (the last group only changes how surfaces look, or is for a running application).
_HONOURED_EXTENSIONS = frozenset(
    {
        "KHR_mesh_quantization",
        "KHR_texture_transform",
        "EXT_texture_webp",
        "KHR_materials_unlit",
        "VRM",
        "VRMC_vrm",
        "VRMC_vrm_animation",
        "VRMC_materials_mtoon",
        "VRMC_springBone",
        "VRMC_node_constraint",
        "VRMC_springBone_extended_collider",
        "VRMC_materials_hdr_emissiveMultiplier",
        "KHR_materials_emissive_strength",
        "KHR_materials_specular",
        "KHR_materials_ior",
        "KHR_materials_clearcoat",
        "KHR_materials_sheen",
        "KHR_materials_transmission",
        "KHR_materials_volume",
        "KHR_materials_iridescence",
        "KHR_materials_anisotropy",
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_materials_variants",
        "KHR_lights_punctual",
        "KHR_animation_pointer",
        "KHR_xmp_json_ld",
    }
)


def is_gltf(head: bytes) -> bool:
    """Whether a file's first bytes look like GLB or glTF JSON."""
    return head.startswith(_GLB_MAGIC) or head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def split_container(data: bytes, name: str) -> tuple[bytes, bytes | None]:
    """(JSON bytes, binary chunk or None) of a .glb or .gltf file."""
    if not data.startswith(_GLB_MAGIC):
        if is_gltf(data[:64]):
            return data, None
        raise ValueError(
            f"`{name}` must be a glTF, GLB, VRM or VRMA file. Received: a file that starts with "
            f"{data[:8]!r}. Check that the download is complete and not a web page or a "
            "version-control pointer."
        )
    if len(data) < 20:
        raise _truncated(name, 20, len(data))
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ValueError(
            f"`{name}` must be a binary glTF of version 2. Received: version {version}. "
            "Export it again as glTF 2.0."
        )
    if length > len(data):
        raise _truncated(name, length, len(data))
    chunks: dict[int, bytes] = {}
    position = 12
    while position + 8 <= length:
        chunk_length, chunk_type = struct.unpack_from("<II", data, position)
        position += 8
        if position + chunk_length > length:
            raise _truncated(name, position + chunk_length, length)
        chunks.setdefault(chunk_type, data[position : position + chunk_length])
        position += chunk_length
    if _JSON_CHUNK not in chunks:
        raise ValueError(f"`{name}` must have a JSON chunk. Received: none. Export it again.")
    return chunks[_JSON_CHUNK], chunks.get(_BINARY_CHUNK)


def _truncated(name: str, expected: int, received: int) -> ValueError:
    return ValueError(
        f"`{name}` must be {expected} bytes long by its own header. Received: {received} bytes. "
        "The file is truncated; fetch or export it again."
    )


def check_version_and_extensions(document: JsonValue) -> None:
    """Refuses, by ValueError, glTF 1 and a file that requires an extension unknown here."""
    version = document["asset"]["version"].text()
    if not version.startswith("2."):
        raise document["asset"]["version"].error("must be glTF version 2.x")
    for item in document.get("extensionsRequired", []):
        extension = item.text()
        if extension not in _HONOURED_EXTENSIONS:
            raise ValueError(
                f"`{document.source}` must not need the extension {extension[:80]}, which cannot "
                f"be read here. Received: it in extensionsRequired. Export the file without it "
                "(compression off, pictures as PNG or JPEG)."
            )


def read_buffers(
    document: JsonValue, binary_chunk: bytes | None, path: Path
) -> tuple[bytes | None, ...]:
    """Each buffer's bytes, from the binary chunk, a data URI or a file beside `path`."""
    buffers: list[bytes | None] = []
    for index, entry in enumerate(document.get("buffers", [])):
        length = entry["byteLength"].integer()
        if "uri" in entry:
            data: bytes | None = bytes_of_uri(entry["uri"], path)
        else:
            data = binary_chunk if index == 0 else None
        if data is not None and len(data) < length:
            raise entry["byteLength"].error(
                "must not exceed the buffer's data", f"{length}, with {len(data)} bytes there"
            )
        buffers.append(None if data is None else data[:length])
    return tuple(buffers)


def bytes_of_uri(uri: JsonValue, path: Path) -> bytes:
    """The content of a data URI, or of a file beside (or below) the glTF file."""
    text = uri.text()
    if text.startswith("data:"):
        header, _, payload = text.partition(",")
        if not header.endswith(";base64"):
            raise uri.error("must be a base64 data URI")
        try:
            return base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError) as error:
            raise uri.error("must hold valid base64") from error
    relative = Path(unquote(text))
    if ":" in text or "\0" in unquote(text) or relative.is_absolute() or ".." in relative.parts:
        raise uri.error("must name a file in the folder of the glTF file")
    try:
        return (path.parent / relative).read_bytes()
    except OSError as error:
        raise uri.error(
            f"must name a readable file beside the glTF file ({error.strerror})"
        ) from error
