"""Conversion of a folder of pictures and poses to shards; `convert.py` joins the steps.

`sources` reads what users have, `preparation` makes a picture ready, `shard_plan` decides what goes
where, `output_folder` keeps what is finished. All but `convert` import no TensorFlow.
"""
