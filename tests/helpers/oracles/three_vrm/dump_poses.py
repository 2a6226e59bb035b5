"""Prints the poses of real motions on real avatars, for `reference.mjs` to compute positions of."""

import json
import sys
from pathlib import Path

from normalised_poses import normalised_pose
from psgan_tf.motion.gltf.document import read_gltf
from psgan_tf.motion.gltf.vrm_humanoid import rig_of_gltf
from psgan_tf.motion.motion_files import motion_from_file
from psgan_tf.motion.rest_skeleton import rest_skeleton_of
from psgan_tf.motion.retarget import retarget

AVATARS = ("godette_vrm0.vrm", "female_mannequin_vrm1.vrm")
MOTIONS = (
    ("m2m_backflip.bvh", None, (10, 21)),
    ("cmu_12_01_walk.bvh", None, (0, 200)),
    ("dance_charleston_ik.vmd", None, (0, 33)),
    ("mesh2motion_12_actions.glb", "Run Anime", (3, 9)),
    ("idle_loop.vrma", None, (0, 100)),
)


def main(folder: Path) -> None:
    cases = []
    for avatar in AVATARS:
        rig = rig_of_gltf(read_gltf(folder / "models" / avatar))
        skeleton = rest_skeleton_of(rig)
        for motion_name, clip, frames in MOTIONS:
            motion = motion_from_file(folder / "motions" / motion_name, clip)
            posed = retarget(skeleton, motion)
            for frame in frames:
                pose = normalised_pose(rig, posed, frame)
                cases.append(
                    {
                        "avatar": avatar,
                        "motion": motion_name,
                        "clip": clip,
                        "frame": frame,
                        "pose": pose,
                    }
                )
    print("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
