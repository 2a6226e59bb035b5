"""From pictures to a served picture by the real programs: train, export, check, serve, ask."""

import io
import json
import subprocess
import sys

import numpy as np
from PIL import Image

from export.saved_model.check.load_check import check_saved_model
from local_server_process import serving
from psgan_tf.model.latents import latents_from_seeds
from run_programs import run
from tiny_data import SKELETON, write_dataset

SEEDS = (0, 1, 7)
POSES = [[[4.0, 4.0, 1], [8.5, 9.0, 1], [12.0, 3.0, 0]], [[9.0, 2.5, 1], [1, 15, 1], [6, 7, 1]]]
TRAINING = (
    "--resolution=8",
    "--latent_size=8",
    "--fmap_base=64",
    "--fmap_max=8",
    "--batch_size=4",
    "--fade_kimg=0",
    "--stabilize_kimg=0.02",
)
# Asks with its own copies of the protos, so never in a process that has TensorFlow's.
INDEPENDENT_CLIENT = """
import sys
import numpy as np
from ovmsclient import make_grpc_client

address, inputs, output = sys.argv[1:]  # inputs: latents and keypoints of one request a pose
client = make_grpc_client(address)
status = client.get_model_status(model_name="tiny", model_version=1)
assert status[1]["state"] == "AVAILABLE", status
metadata = client.get_model_metadata(model_name="tiny", model_version=1)
assert metadata["inputs"]["latents"] == {"shape": [-1, 8], "dtype": "DT_FLOAT"}, metadata
arrays, pngs = np.load(inputs), []
for keypoints in arrays["keypoints"]:
    asked = {"latents": arrays["latents"], "keypoints": keypoints}
    pngs += list(client.predict(inputs=asked, model_name="tiny", model_version=1))
np.savez(output, *[np.frombuffer(png, np.uint8) for png in pngs])
assert "tensorflow" not in sys.modules
"""


def done(module, *flags):
    """What a program prints that must end well."""
    status, printed = run(module, *flags)
    assert status == 0, printed
    return printed


def pictures_in(folder):
    """Pixels of the PNG files of each seed and pose, by name."""
    return {path.name: np.asarray(Image.open(path), int) for path in folder.glob("seed*.png")}


def pose_file(path):
    document = {**SKELETON.to_json(), "image_size": [16, 16], "frames": POSES}
    path.write_text(json.dumps(document))
    return path


def asked_by_an_independent_client(address, folder):
    """Pixels by file name, in a request a pose through `serving_default`."""
    names = [f"seed{seed:04d}_pose{pose:04d}.png" for pose in range(2) for seed in SEEDS]
    latents = latents_from_seeds(np.array(SEEDS), 8).numpy()
    keypoints = np.repeat(np.array(POSES, np.float32)[:, None], len(SEEDS), axis=1)
    np.savez(folder / "inputs.npz", latents=latents, keypoints=keypoints)
    subprocess.run(
        [sys.executable, "-c", INDEPENDENT_CLIENT, address, "inputs.npz", "pngs.npz"],
        cwd=folder,
        check=True,
    )
    with np.load(folder / "pngs.npz") as pngs:
        files = [io.BytesIO(pngs[f"arr_{i}"].tobytes()) for i in range(len(names))]
    return {
        name: np.asarray(Image.open(file), int) for name, file in zip(names, files, strict=True)
    }


def test_what_is_trained_exported_and_served_draws_the_pictures_that_generate_draws(tmp_path):
    write_dataset(tmp_path / "data")
    run_dir, model_dir = tmp_path / "run", tmp_path / "models" / "tiny"
    poses, seeds = pose_file(tmp_path / "poses.json"), ",".join(map(str, SEEDS))
    done("psgan_tf.train", *TRAINING, f"--data_dir={tmp_path / 'data'}", f"--run_dir={run_dir}")
    done("export.export_saved_model", f"--run_dir={run_dir}", f"--export_dir={model_dir}")
    assert check_saved_model(model_dir / "1", batch_size=3).problems == []
    asked = (f"--seeds={seeds}", f"--poses={poses}")
    done("psgan_tf.generate", *asked, f"--run_dir={run_dir}", f"--output={tmp_path / 'drawn'}")
    with serving("--model_name=tiny", f"--model_base_path={model_dir}") as server:
        address = server.grpc_address
        where = (f"--address={address}", "--model=tiny", f"--output={tmp_path / 'served'}")
        # As many at a time as `generate` draws: other batches add up in another order.
        done("export.client", "generate", *asked, *where, f"--batch_size={len(SEEDS)}")
        independent = asked_by_an_independent_client(address, tmp_path)
        assert server.end() == 0
    drawn, served = pictures_in(tmp_path / "drawn"), pictures_in(tmp_path / "served")
    assert set(drawn) == set(served) == set(independent)
    assert len(drawn) == len(SEEDS) * len(POSES)
    for name, image in drawn.items():
        assert image.shape == (8, 8, 3)
        np.testing.assert_array_equal(served[name], image)
        np.testing.assert_array_equal(independent[name], image)
    # Characters and poses are told apart, else all of this would hold of any picture.
    assert len({image.tobytes() for image in drawn.values()}) == len(drawn)
