"""A rendered dataset: plan of pictures, framing, the resumable job, its folder and card."""
