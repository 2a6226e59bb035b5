"""Terms of use in an avatar's file: VRM 0.x and 1.0 licences, glTF copyright fields.

The terms are read, not interpreted in law: `forbidden` lists, in plain words, every term that
speaks against rendering the avatar into a dataset that others train on or receive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.gltf.document import Gltf
from psgan_tf.motion.gltf.vrm_humanoid import vrm_version

_USERS_VRM0 = {
    "OnlyAuthor": "only its author may use the avatar",
    "ExplicitlyLicensedPerson": "only people whom its author licensed may use the avatar",
}
_USERS_VRM1 = {
    "onlyAuthor": "only its author may use the avatar",
    "onlySeparatelyLicensedPerson": "only people whom its author licensed may use the avatar",
}
_LICENCES_VRM0 = {
    "Redistribution_Prohibited": "the avatar may not be passed on",
    "CC_BY_ND": "works derived from the avatar may not be passed on",
    "CC_BY_NC_ND": "works derived from the avatar may not be passed on",
}
_VROID_HUB_QUERIES = {
    "characterization_allowed_user": ("everyone", "only its author may use the avatar"),
    "modification": ("allow", "the avatar may not be modified"),
    "redistribution": ("allow", "the avatar may not be passed on"),
}


@dataclass(frozen=True)
class Licence:
    """An avatar's terms.

    Attributes:
        title: the avatar's name.
        authors: its authors.
        name: the licence's name or address; empty where the file states none.
        references: addresses of the terms, and what the file says of its origin.
        forbidden: terms against rendering and passing on pictures of it; empty where none.
        conditions: terms to keep when doing so, such as giving credit.
        terms: the file's own fields, for the dataset card.
    """

    title: str
    authors: tuple[str, ...]
    name: str
    references: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    terms: Mapping[str, Any] = field(default_factory=dict)

    @property
    def credit(self) -> str:
        """One line that names the work, its authors and its licence."""
        authors = ", ".join(self.authors) or "unknown author"
        return f"{self.title} by {authors} ({self.name or 'no licence stated'})"

    def to_json(self) -> dict[str, Any]:
        """Plain values for a dataset card."""
        return {
            "title": self.title,
            "authors": list(self.authors),
            "licence": self.name,
            "references": list(self.references),
            "forbidden": list(self.forbidden),
            "conditions": list(self.conditions),
            "credit": self.credit,
            "terms": dict(self.terms),
        }


def licence_of(gltf: Gltf) -> Licence:
    """The terms in a file's VRM extension, or in its glTF `asset`.

    Raises:
        ValueError: the VRM extension's `meta` is damaged.
    """
    extensions = gltf.document.get("extensions", {})
    version = vrm_version(gltf)
    if version == "0":
        return _vrm0(extensions["VRM"].get("meta", {}), gltf.path.stem)
    if version == "1":
        return _vrm1(extensions["VRMC_vrm"].get("meta", {}), gltf.path.stem)
    return _plain(gltf.document["asset"], gltf.path.stem)


def _plain(asset: JsonValue, stem: str) -> Licence:
    extras = asset.get("extras", {})
    if not isinstance(extras.raw, dict):
        extras = JsonValue({}, extras.place, extras.source)
    author = _text(extras, "author") or _text(asset, "copyright")
    return Licence(
        title=_text(extras, "title") or stem,
        authors=(author,) if author else (),
        name=_text(extras, "license"),
        references=tuple(filter(None, [_text(extras, "source")])),
        terms=_plain_values(extras),
    )


def _vrm0(meta: JsonValue, stem: str) -> Licence:
    name = _text(meta, "licenseName")
    references = tuple(
        dict.fromkeys(
            filter(
                None,
                (_text(meta, k) for k in ("otherLicenseUrl", "otherPermissionUrl", "reference")),
            )
        )
    )
    forbidden = [
        _USERS_VRM0.get(_text(meta, "allowedUserName", "OnlyAuthor"), ""),
        _LICENCES_VRM0.get(name, ""),
        *(term for url in references for term in _vroid_hub_terms(url)),
    ]
    conditions = []
    if "BY" in name.split("_"):
        conditions.append("give credit")
    if "SA" in name.split("_"):
        conditions.append("pass derived works on under the same licence")
    # "Ussage" is how the 0.x format spells it.
    if _text(meta, "commercialUssageName") == "Disallow" or "NC" in name.split("_"):
        conditions.append("no commercial use")
    for key, use in (("violentUssageName", "violent"), ("sexualUssageName", "sexual")):
        if _text(meta, key) == "Disallow":
            conditions.append(f"no {use} depiction")
    return Licence(
        title=_text(meta, "title") or stem,
        authors=tuple(filter(None, [_text(meta, "author")])),
        name=name.replace("_", " "),
        references=references,
        forbidden=tuple(dict.fromkeys(filter(None, forbidden))),
        conditions=tuple(conditions),
        terms=_plain_values(meta),
    )


def _vroid_hub_terms(url: str) -> list[str]:
    """VRoid Hub writes its terms into the query of the licence's address."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
    except ValueError:
        return []
    if not (parts.netloc == "hub.vroid.com" and "license" in parts.path):
        return []
    return [
        term
        for key, (allowed, term) in _VROID_HUB_QUERIES.items()
        if query.get(key, [allowed])[0] not in (allowed, "default")
    ]


def _vrm1(meta: JsonValue, stem: str) -> Licence:
    authors = meta.get("authors", [])
    names = [item.text() for item in authors] if isinstance(authors.raw, list) else []
    # Absent fields have the strictest value (VRM 1.0 meta schema).
    forbidden = [_USERS_VRM1.get(_text(meta, "avatarPermission", "onlyAuthor"), "")]
    modification = _text(meta, "modification", "prohibited")
    if modification == "prohibited":
        forbidden.append("the avatar may not be modified")
    elif modification == "allowModification":
        forbidden.append("modified works may not be passed on")
    if not _flag(meta, "allowRedistribution"):
        forbidden.append("the avatar may not be passed on")
    conditions = []
    if _text(meta, "creditNotation", "required") == "required":
        conditions.append("give credit")
    commercial = _text(meta, "commercialUsage", "personalNonProfit")
    if commercial != "corporation":
        use = {"personalNonProfit": "non-profit", "personalProfit": "personal"}.get(commercial, "")
        conditions.append(f"{use} use only".strip())
    for key, use in [
        ("allowExcessivelyViolentUsage", "excessively violent"),
        ("allowExcessivelySexualUsage", "excessively sexual"),
        ("allowPoliticalOrReligiousUsage", "political or religious"),
        ("allowAntisocialOrHateUsage", "antisocial or hateful"),
    ]:
        if not _flag(meta, key):
            conditions.append(f"no {use} use")
    return Licence(
        title=_text(meta, "name") or stem,
        authors=tuple(names),
        name=_text(meta, "licenseUrl"),
        references=tuple(filter(None, [_text(meta, "licenseUrl"), _text(meta, "otherLicenseUrl")])),
        forbidden=tuple(filter(None, forbidden)),
        conditions=tuple(conditions),
        terms=_plain_values(meta),
    )


def _text(values: JsonValue, key: str, absent: str = "") -> str:
    """A text member; `absent` where it is missing or something else."""
    raw = values.get(key).raw
    return raw if isinstance(raw, str) else absent


def _flag(values: JsonValue, key: str) -> bool:
    return values.get(key).raw is True


def _plain_values(values: JsonValue) -> dict[str, Any]:
    """The members that are texts, flags or lists of texts: not pictures or nested data."""
    return {
        key: value.raw
        for key, value in values.members().items()
        if isinstance(value.raw, (str, bool))
        or (isinstance(value.raw, list) and all(isinstance(item, str) for item in value.raw))
    }
