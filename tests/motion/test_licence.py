"""What avatars' files say one may do with them."""

import pytest

from motion_files_by_hand import glb, written
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_licence import licence_of
from shared_assets import shared_path

FREE_VRM0 = {"title": "Aoi", "author": "A", "allowedUserName": "Everyone", "licenseName": "CC0"}
FREE_VRM1 = {
    "name": "Aoi",
    "authors": ["A", "B"],
    "licenseUrl": "https://vrm.dev/licenses/1.0/",
    "avatarPermission": "everyone",
    "commercialUsage": "corporation",
    "creditNotation": "unnecessary",
    "modification": "allowModificationRedistribution",
    "allowRedistribution": True,
    "allowExcessivelyViolentUsage": True,
    "allowExcessivelySexualUsage": True,
    "allowPoliticalOrReligiousUsage": True,
    "allowAntisocialOrHateUsage": True,
}


def licence(tmp_path, extension, meta, asset=None):
    document = {"asset": {"version": "2.0"} | (asset or {})}
    if extension:
        document["extensions"] = {extension: {"meta": meta}}
    return licence_of(read_gltf(written(tmp_path, "aoi.vrm", glb(document))))


@pytest.mark.parametrize(("extension", "meta"), [("VRM", FREE_VRM0), ("VRMC_vrm", FREE_VRM1)])
def test_a_free_avatar_forbids_nothing(tmp_path, extension, meta):
    terms = licence(tmp_path, extension, meta)
    assert terms.title == "Aoi"
    assert terms.forbidden == ()
    assert terms.conditions == ()


@pytest.mark.parametrize(
    ("change", "forbidden", "conditions"),
    [
        ({"allowedUserName": "OnlyAuthor"}, ["only its author may use the avatar"], []),
        ({"licenseName": "Redistribution_Prohibited"}, ["the avatar may not be passed on"], []),
        ({"licenseName": "CC_BY"}, [], ["give credit"]),
        ({"licenseName": "CC_BY_NC"}, [], ["give credit", "no commercial use"]),
        (
            {"licenseName": "CC_BY_ND"},
            ["works derived from the avatar may not be passed on"],
            ["give credit"],
        ),
        (
            {"licenseName": "CC_BY_SA"},
            [],
            ["give credit", "pass derived works on under the same licence"],
        ),
        ({"commercialUssageName": "Disallow"}, [], ["no commercial use"]),
        ({"sexualUssageName": "Disallow"}, [], ["no sexual depiction"]),
        (
            {"otherPermissionUrl": "https://hub.vroid.com/license?modification=disallow&version=1"},
            ["the avatar may not be modified"],
            [],
        ),
        ({"allowedUserName": None}, ["only its author may use the avatar"], []),
    ],
)
def test_the_terms_of_vrm_0_are_told_apart(tmp_path, change, forbidden, conditions):
    terms = licence(tmp_path, "VRM", FREE_VRM0 | change)
    assert list(terms.forbidden) == forbidden
    assert list(terms.conditions) == conditions


@pytest.mark.parametrize(
    ("change", "forbidden", "conditions"),
    [
        ({"avatarPermission": "onlyAuthor"}, ["only its author may use the avatar"], []),
        ({"modification": "prohibited"}, ["the avatar may not be modified"], []),
        ({"modification": "allowModification"}, ["modified works may not be passed on"], []),
        ({"allowRedistribution": False}, ["the avatar may not be passed on"], []),
        ({"creditNotation": "required"}, [], ["give credit"]),
        ({"commercialUsage": "personalNonProfit"}, [], ["non-profit use only"]),
        ({"allowAntisocialOrHateUsage": False}, [], ["no antisocial or hateful use"]),
    ],
)
def test_the_terms_of_vrm_1_are_told_apart(tmp_path, change, forbidden, conditions):
    terms = licence(tmp_path, "VRMC_vrm", FREE_VRM1 | change)
    assert list(terms.forbidden) == forbidden
    assert list(terms.conditions) == conditions


def test_fields_left_out_of_vrm_1_have_their_strictest_meaning(tmp_path):
    terms = licence(tmp_path, "VRMC_vrm", {"name": "Aoi", "authors": ["A"]})
    assert terms.forbidden == (
        "only its author may use the avatar",
        "the avatar may not be modified",
        "the avatar may not be passed on",
    )
    assert "give credit" in terms.conditions


def test_the_credit_names_work_authors_and_licence(tmp_path):
    assert licence(tmp_path, "VRM", FREE_VRM0 | {"licenseName": "CC_BY"}).credit == (
        "Aoi by A (CC BY)"
    )
    assert licence(tmp_path, "VRMC_vrm", FREE_VRM1).credit == (
        "Aoi by A, B (https://vrm.dev/licenses/1.0/)"
    )


def test_plain_gltf_may_name_its_author(tmp_path):
    extras = {"title": "Knight", "author": "K", "license": "CC0", "source": "https://k.example"}
    terms = licence(tmp_path, None, None, {"extras": extras})
    assert terms.credit == "Knight by K (CC0)"
    assert terms.references == ("https://k.example",)
    silent = licence(tmp_path, None, None)
    assert silent.credit == "aoi by unknown author (no licence stated)"


def test_terms_go_into_a_card_as_plain_values(tmp_path):
    card = licence(tmp_path, "VRM", FREE_VRM0 | {"texture": 3, "version": "1"}).to_json()
    assert card["terms"]["version"] == "1"
    assert "texture" not in card["terms"]
    assert card["credit"] == "Aoi by A (CC0)"


def test_the_terms_of_a_real_avatar_are_those_it_came_with():
    terms = licence_of(read_gltf(shared_path("avatars/models/godette_vrm0.vrm")))
    assert (terms.title, terms.authors, terms.name) == (
        "Low-Poly Godette", ("SirRichard94",), "CC BY"
    )  # fmt: skip
    assert (terms.forbidden, terms.conditions) == ((), ("give credit",))
