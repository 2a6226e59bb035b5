"""The built-in avatar's figure: her shape, how she bends, and that hair and clothes can rely on it.

Silhouettes are judged by geometry (is a point inside a projected triangle?), not by the renderer.
"""

import numpy as np
import pytest

from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.motion.humanoid import BONE_PARENTS
from tools.avatars.builtin.body.body_field import pushed_out, signed_distance, snapped
from tools.avatars.builtin.body.proportions import (
    CHIN_HEIGHT,
    HEIGHT,
    JOINT_NAMES,
    JOINTS,
    PROFILES,
)
from tools.avatars.builtin.body.skin_weights import skin_weights
from tools.avatars.builtin.figure import figure_parts
from tools.avatars.builtin.motions.motions import MOTIONS
from tools.avatars.builtin.motions.posing import body_motion
from tools.avatars.builtin.shapes.curves import curve_through, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import make_part, merged, mirrored, other_side
from tools.avatars.builtin.shapes.sweeps import loft, signed_volume, tube

KEYPOINTS = SKELETONS["avatar20"].keypoints
POSES_PER_MOTION = 6


@pytest.fixture(scope="module")
def parts():
    return {part.name: part for part in figure_parts()}


def rotation_matrices(quaternions):
    x, y, z, w = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def bone_transforms(turns, hips):
    """Bone to ([3, 3] world turn, [3] joint) of local turns {bone: [4]} and the hips' place."""
    placed = {}
    for bone in JOINT_NAMES:
        local = rotation_matrices(turns[bone]) if bone in turns else np.eye(3)
        parent = BONE_PARENTS[bone]
        if parent is None:
            placed[bone] = (local, hips)
        else:
            turn, place = placed[parent]
            placed[bone] = (turn @ local, place + turn @ (JOINTS[bone] - JOINTS[parent]))
    return placed


def skinned(part, placed):
    moved = [
        (part.positions - JOINTS[bone]) @ placed[bone][0].T + placed[bone][1]
        for bone in part.joints
    ]
    return np.einsum("vj,jvc->vc", part.weights, np.array(moved))


def poses():
    for sketch in MOTIONS:
        motion = body_motion(sketch)
        for frame in np.linspace(0, len(motion.hips) - 1, POSES_PER_MOTION).astype(int):
            turns = {bone: turn[frame] for bone, turn in motion.rotations.items()}
            yield f"{sketch.name} {frame}", bone_transforms(turns, motion.hips[frame])


def cross(first, second):
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def is_covered(point, triangles):
    """Whether a point [2] lies in one of [T, 3, 2] triangles, whichever way they turn."""
    corners = triangles - point
    sides = np.stack([cross(corners[:, i], corners[:, (i + 1) % 3]) for i in range(3)], axis=1)
    return bool(((sides >= -1e-12).all(axis=1) | (sides <= 1e-12).all(axis=1)).any())


def is_enclosed(point, triangles):
    """Whether triangles lie around a point on all sides.

    A part cut out of the skin is a tube without lids; who looks into it still sees flesh.
    """
    starts = (triangles - point).reshape(-1, 2)
    ends = np.roll(triangles - point, -1, axis=1).reshape(-1, 2)
    for angle in np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False):
        ray = np.array([np.cos(angle), np.sin(angle)])
        first, second = cross(ray, starts), cross(ray, ends)
        crossed = (first > 0) != (second > 0)
        along = (starts @ ray) * second - (ends @ ray) * first
        if not (along[crossed] * (second - first)[crossed] > 0).any():
            return False
    return True


def body_of(parts):
    names = [name for name in parts if name.startswith("Body") or name in ("Head", "Ears")]
    return [parts[name] for name in names]


def test_every_keypoint_lies_in_the_silhouette_of_its_own_body_part_in_all_motions(parts):
    body = body_of(parts)
    own = {}
    for bone in KEYPOINTS:
        for index, part in enumerate(body):
            if bone in part.joints:
                moved = part.weights[:, part.joints.index(bone)] >= 0.25
                triangles = part.triangles[moved[part.triangles].any(axis=1)]
                own.setdefault(bone, []).append((index, triangles))
    assert set(own) == set(KEYPOINTS)
    outside = []
    for pose, placed in poses():
        flat = [skinned(part, placed)[:, :2] for part in body]
        for bone, pieces in own.items():
            triangles = np.concatenate([flat[index][kept] for index, kept in pieces])
            point = placed[bone][1][:2]
            if not is_covered(point, triangles) and not is_enclosed(point, triangles):
                outside.append((pose, bone))
    assert not outside


def test_a_point_in_a_ring_of_triangles_is_enclosed_and_one_beside_it_is_not():
    angles = np.linspace(0.0, 2.0 * np.pi, 9)
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ring = np.stack([rim[:-1], rim[1:], 2.0 * rim[:-1]], axis=1)
    assert not is_covered(np.zeros(2), ring)
    assert is_enclosed(np.zeros(2), ring)
    assert not is_enclosed(np.array([2.5, 0.0]), ring)
    assert is_covered(ring[3].mean(axis=0), ring)


def test_she_has_the_twenty_keypoint_bones_fingers_and_eyes():
    fingers = {
        f"{side}{finger}{bone}"
        for side in ("left", "right")
        for finger in ("Index", "Middle", "Ring", "Little")
        for bone in ("Proximal", "Intermediate", "Distal")
    }
    assert {*KEYPOINTS, *fingers, "leftEye", "rightEye", "leftThumbDistal"} <= set(JOINT_NAMES)


def test_she_is_six_to_six_and_a_half_heads_tall_and_stands_on_the_ground(parts):
    highest = parts["Head"].positions[:, 1].max()
    assert highest <= HEIGHT
    assert 6.0 <= HEIGHT / (HEIGHT - CHIN_HEIGHT) <= 6.5
    assert abs(parts["BodyLeftFoot"].positions[:, 1].min()) < 0.003


def test_right_parts_are_the_mirror_image_of_left_ones(parts):
    lefts = [name for name in parts if "Left" in name]
    assert lefts
    for name in lefts:
        left, right = parts[name], parts[other_side(name)]
        np.testing.assert_array_equal(left.positions * [-1, 1, 1], right.positions)
        assert [other_side(joint) for joint in left.joints] == list(right.joints)


def test_weights_are_the_same_on_both_sides_of_the_body():
    points = np.concatenate([PROFILES[name].ring(0.5, 9) for name in ("torso", "leftLeg")])
    flipped = skin_weights(points * [-1, 1, 1])
    order = [JOINT_NAMES.index(other_side(name)) for name in JOINT_NAMES]
    np.testing.assert_allclose(skin_weights(points)[:, order], flipped, atol=1e-9)


def test_all_weights_sum_to_one_and_four_bones_carry_nearly_all(parts):
    for part in parts.values():
        np.testing.assert_allclose(part.weights.sum(axis=1), 1.0, atol=1e-9)
        strongest = np.sort(part.weights, axis=1)[:, -4:].sum(axis=1)
        assert strongest.min() > 0.9, part.name


def test_body_regions_lie_on_one_surface(parts):
    for name in ("BodyHips", "BodyChest", "BodyNeck", "BodyLeftThigh", "BodyLeftLowerArm"):
        part = parts[name]
        away = np.abs(signed_distance(part.positions))
        shown = part.triangles[(away[part.triangles] < 0.008).all(axis=1)]
        assert len(shown) > 0.8 * len(part.triangles), name
        assert np.percentile(away[np.unique(shown)], 95) < 0.0015, name


def test_regions_share_their_border_so_that_no_gap_shows(parts):
    for upper, lower in (("BodyChest", "BodyWaist"), ("BodyLeftThigh", "BodyLeftShin")):
        first = {tuple(place) for place in parts[upper].positions.round(9)}
        second = {tuple(place) for place in parts[lower].positions.round(9)}
        assert len(first & second) >= 16


def test_normals_point_out_of_the_body(parts):
    for part in parts.values():
        corners = part.positions[part.triangles]
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        agree = np.einsum("tc,tc->t", faces, part.normals[part.triangles].sum(axis=1))
        # The last rings of a lock are folded into its point.
        assert (agree > 0).mean() > (0.85 if part.slot in ("hair", "fringe") else 0.97), part.name
        np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1.0, atol=1e-6)


def test_the_figure_with_any_hair_stays_below_twenty_thousand_triangles(parts):
    body = sum(len(part.triangles) for part in parts.values() if part.slot in ("body", "face"))
    fringe = max(len(part.triangles) for part in parts.values() if part.slot == "fringe")
    back = max(len(part.triangles) for part in parts.values() if part.slot == "hair")
    assert 10_000 < body + fringe + back < 20_000


def test_there_are_hair_styles_to_choose_from_and_all_hide_the_top_of_the_head(parts):
    head = parts["Head"].positions
    scalp = head[(head[:, 1] > 1.50) & (head[:, 2] < 0.04)]
    backs = [part for part in parts.values() if part.slot == "hair"]
    assert len(backs) >= 6
    for back in backs:
        triangles = back.positions[back.triangles]
        for point in scalp[::9]:
            from_above = triangles[:, :, [0, 2]]
            highest = triangles[:, :, 1].max(axis=1) > point[1]
            assert is_covered(point[[0, 2]], from_above[highest]), (back.name, point)


def test_snapped_points_lie_at_the_wanted_distance_from_the_skin():
    ring = PROFILES["leftLeg"].ring(0.4, 24, offset=0.03)
    np.testing.assert_allclose(signed_distance(snapped(ring, 0.01)), 0.01, atol=2e-4)
    far = np.array([[0.5, 0.5, 0.5]])
    np.testing.assert_array_equal(pushed_out(far, 0.01), far)


def test_a_profile_knows_how_far_outside_it_a_point_lies():
    ring = PROFILES["rightArm"].points(np.full(8, 0.7), np.arange(8.0), 0.004)
    np.testing.assert_allclose(signed_distance(ring), 0.004, atol=6e-4)


def test_lofts_and_tubes_face_outward_and_have_the_right_volume():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([np.cos(angles), np.zeros(200), np.sin(angles)], axis=1)
    cylinder = loft(
        np.stack([circle, circle + np.array([0, 3.0, 0])]), cap_start=True, cap_end=True
    )
    assert signed_volume(cylinder.positions, cylinder.triangles) == pytest.approx(
        3 * np.pi, rel=1e-3
    )
    pipe = tube(np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 2]]), 0.5, 200)
    assert signed_volume(pipe.positions, pipe.triangles) == pytest.approx(np.pi / 2, rel=1e-3)


def test_curves_pass_through_their_points_and_do_not_overshoot():
    knots, values = [0.0, 1.0, 2.0, 5.0], [1.0, 3.0, 3.0, 0.0]
    np.testing.assert_allclose(smooth_curve(knots, values, knots), values)
    between = smooth_curve(knots, values, np.linspace(-1, 6, 200))
    assert between.min() >= 0.0
    assert between.max() <= 3.0 + 1e-12
    np.testing.assert_allclose(smooth_step([0.0, 1.0, 1.5, 2.0, 3.0], 1, 2), [0, 0, 0.5, 1, 1])
    path = curve_through([[0, 0, 0], [1, 0, 0], [2, 0, 0]], 5)
    np.testing.assert_allclose(path[:, 0], [0, 0.5, 1, 1.5, 2])


def test_a_mirrored_part_faces_outward_with_swapped_bones(parts):
    hand = parts["BodyLeftHand"]
    other = mirrored(hand)
    assert other.name == "BodyRightHand"
    assert "rightIndexDistal" in other.joints
    assert "leftIndexDistal" not in other.joints
    assert signed_volume(other.positions, other.triangles) > 0


def test_parts_refuse_weights_that_do_not_fit(parts):
    hand, head = parts["BodyLeftHand"], parts["Head"]
    with pytest.raises(ValueError, match="`weights` of 'Hand' must be"):
        make_part("Hand", "body", hand.material, hand.positions, hand.triangles, ["head"],
                  np.ones((3, 1)))  # fmt: skip
    with pytest.raises(ValueError, match="must be above 0 somewhere"):
        make_part("Hand", "body", hand.material, hand.positions, hand.triangles, ["head"],
                  np.zeros((len(hand.positions), 1)))  # fmt: skip
    with pytest.raises(ValueError, match="must have one material"):
        merged([hand, head], "Both")
