"""Cost of a step against resolution, batch, keypoints and replicas."""
