"""Between schemas: index tables written out by hand from the published orders, and the docs."""

import re
from itertools import permutations

import numpy as np
import pytest

from psgan_tf.keypoints.schema import SKELETONS, Skeleton
from psgan_tf.keypoints.schema_conversion import (
    check_convertible,
    conversion_indices,
    conversion_table,
    convert_keypoints,
)
from run_programs import REPOSITORY

DOCS = REPOSITORY / "docs" / "pose_files.md"
PAIRS = list(permutations(SKELETONS, 2))

# For each row of the second schema the row of the first, counted in the published lists.
INDEX_TABLES = {
    ("coco17", "openpose18"): [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3],
    ("openpose18", "coco17"): [0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10],
    ("body25", "coco17"): [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11],
    ("body25", "openpose18"): [*range(8), *range(9, 15), *range(15, 19)],
    ("openpose18", "body25"): [*range(8), -1, *range(8, 18), *[-1] * 6],
    ("body25", "avatar20"): [
        *(8, -1, 1, -1),
        *(-1, 5, 6, 7),
        *(-1, 2, 3, 4),
        *(12, 13, 14, 19),
        *(9, 10, 11, 22),
    ],
    ("avatar20", "body25"): [
        *(-1, 2, 9, 10, 11, 5, 6, 7),
        *(0, 16, 17, 18, 12, 13, 14),
        *(-1, -1, -1, -1),
        *(15, -1, -1, 19, -1, -1),
    ],
    ("openpose18", "avatar20"): [
        *(-1, -1, 1, -1),
        *(-1, 5, 6, 7),
        *(-1, 2, 3, 4),
        *(11, 12, 13, -1),
        *(8, 9, 10, -1),
    ],
    ("avatar20", "coco17"): [*[-1] * 5, 5, 9, 6, 10, 7, 11, 12, 16, 13, 17, 14, 18],
}


def filled(skeleton):
    """[M, 3] visible points at places that are all different."""
    points = np.random.default_rng(3).uniform(1, 99, (skeleton.num_keypoints, 3)).astype("f")
    points[:, 2] = 1
    return points


@pytest.mark.parametrize("names", INDEX_TABLES, ids="-".join)
def test_rows_follow_the_index_tables_counted_by_hand(names):
    source, target = (SKELETONS[name] for name in names)
    assert conversion_indices(source, target) == tuple(INDEX_TABLES[names])


def documented():
    """(from, to) -> the number of exact points, and the names that are derived and missing."""
    rows = {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0] in SKELETONS:
            source, target, exact, derived, missing = cells
            names = [set(re.findall(r"\w+", cell)) for cell in (derived, missing)]
            rows[source, target] = (int(exact), *names)
    return rows


def test_the_documentation_has_a_row_for_each_pair():
    assert sorted(documented()) == sorted(PAIRS)


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_points_are_exact_derived_and_missing_as_the_documentation_says(names):
    source, target = (SKELETONS[name] for name in names)
    exact, derived, missing = documented()[names]
    points = filled(source)
    converted = convert_keypoints(points, source, target)
    places = {tuple(point[:2]) for point in points}
    hidden = {target.keypoints[row] for row in np.flatnonzero(converted[:, 2] == 0)}
    copied = {
        name
        for name, point in zip(target.keypoints, converted, strict=True)
        if tuple(point[:2]) in places
    }
    assert hidden == missing
    assert len(copied) == exact
    assert set(target.keypoints) - copied - hidden == derived


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_exact_points_are_equal_after_the_way_there_and_back(names):
    source, target = (SKELETONS[name] for name in names)
    points = filled(source)
    back = convert_keypoints(convert_keypoints(points, source, target), target, source)
    kinds = conversion_table(target, source)
    exact = [row for row, name in enumerate(source.keypoints) if kinds[name] == "exact"]
    np.testing.assert_array_equal(back[exact], points[exact])
    lost = [row for row, name in enumerate(source.keypoints) if kinds[name] == "missing"]
    assert not back[lost].any()


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_what_is_missing_stays_missing(names):
    source, target = (SKELETONS[name] for name in names)
    for row in range(source.num_keypoints):
        points = filled(source)
        points[row] = 0
        converted = convert_keypoints(points, source, target)
        assert not np.any((converted[:, 2] > 0) & np.any(converted[:, :2] <= 0, axis=1))
        indices = conversion_indices(source, target)
        assert all(not converted[i].any() for i, index in enumerate(indices) if index == row)


def test_feet_of_body25_reach_an_avatars_toes():
    body, avatar = SKELETONS["body25"], SKELETONS["avatar20"]
    points = filled(body)
    converted = convert_keypoints(points, body, avatar)
    for side in ("left", "right"):
        toe = points[body.index(f"{side}_big_toe")]
        np.testing.assert_array_equal(converted[avatar.index(f"{side}Toes")], toe)
    np.testing.assert_array_equal(converted[avatar.index("hips")], points[body.index("mid_hip")])


def test_schemas_that_share_nothing_are_refused_with_both_names():
    with pytest.raises(ValueError, match=r"'avatar20'\. Received: 'tail2', which shares none"):
        check_convertible(Skeleton("tail2", ("root", "tip")), SKELETONS["avatar20"])
    check_convertible(Skeleton("cat2", ("tail", "head")), SKELETONS["avatar20"])
