"""Renders rigged 3D avatars to pictures with exact keypoints (PSGAN section 2.2), without a GPU."""
