"""MikuMikuDance's VMD motions: reading, leg inverse kinematics, conversion."""
