"""Moving pictures: every format is decoded again, by readers that know nothing of the writers."""

import json
import os
import resource
import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image

from psgan_tf.video import FORMATS, write_animation
from psgan_tf.video.frames import over_white, tick_durations
from psgan_tf.video.png_sequence import PngSequence
from psgan_tf.video.sprite_sheet import sheet_columns
from run_programs import REPOSITORY

FILES = [f"film{ending}" for ending in FORMATS] + ["frames"]


def shaded_disc(number, size=48, channels=3):
    """A disc with a gradient that moves over white; transparent outside it with 4 channels."""
    y, x = np.mgrid[:size, :size]
    disc = (x - 12 - number) ** 2 + (y - 24) ** 2 < 100
    frame = np.full([size, size, channels], 255, np.uint8)
    colour = np.stack([200 - 2 * x, 40 + 3 * y, np.full_like(x, 90)], axis=-1)
    frame[disc, :3] = colour[disc]
    if channels == 4:
        frame[~disc] = 0
    return frame


def film(count=10, size=48, channels=3):
    return [shaded_disc(number, size, channels) for number in range(count)]


def decoded_film(path, decoder=None, pixels="rgb24"):
    """Frames and start times in seconds of an MP4 or WebM."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            frames = list(container.decode(stream))
        else:
            codec = av.CodecContext.create(decoder, "r")
            frames = [f for packet in container.demux(stream) for f in codec.decode(packet)]
        return [f.to_ndarray(format=pixels) for f in frames], [float(f.time or 0) for f in frames]


def decoded_pictures(path):
    """Frames (RGBA) and durations in milliseconds of a GIF, WebP or APNG."""
    frames, durations = [], []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGBA")))
            durations.append(image.info["duration"])
        return frames, durations, image.info


def mean_error(first, second):
    return np.abs(np.asarray(first, int) - np.asarray(second, int)).mean()


@pytest.mark.parametrize(("ending", "codec"), [(".mp4", "h264"), (".webm", "vp9")])
def test_a_film_has_its_frames_times_and_codec(tmp_path, ending, codec):
    frames = film(12)
    path = write_animation(tmp_path / f"film{ending}", frames, 24)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == (codec, "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (48, 48, 24)
    shown, times = decoded_film(path)
    np.testing.assert_allclose(times, np.arange(12) / 24, atol=0.001)
    assert len(shown) == 12
    assert max(mean_error(a, b) for a, b in zip(shown, frames, strict=True)) < 4


def test_a_film_s_flat_colours_are_right_and_tagged(tmp_path):
    colours = [(255, 255, 255), (0, 0, 0), (220, 40, 60), (30, 60, 200), (240, 200, 170)]
    path = write_animation(
        tmp_path / "film.mp4", [np.full([32, 32, 3], c, np.uint8) for c in colours], 24
    )
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        for frame, colour in zip(container.decode(video=0), colours, strict=True):
            rgb = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
            assert np.abs(rgb[16, 16].astype(int) - colour).max() <= 4


def test_an_mp4_starts_before_its_last_byte_came(tmp_path):
    data = write_animation(tmp_path / "film.mp4", film(), 24).read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_odd_sizes_grow_by_a_copied_line(tmp_path):
    frames = [frame[:31, :33] for frame in film(3)]
    shown, _ = decoded_film(write_animation(tmp_path / "film.mp4", frames, 12))
    assert shown[0].shape == (32, 34, 3)
    assert mean_error(shown[0][:31, :33], frames[0]) < 4
    assert mean_error(shown[0][31], shown[0][30]) < 4


def test_frames_a_second_need_not_be_whole(tmp_path):
    path = write_animation(tmp_path / "film.mp4", film(6), 30000 / 1001)
    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        assert (rate.numerator, rate.denominator) == (30000, 1001)


def test_mp4_lays_transparency_over_white_and_webm_keeps_it(tmp_path):
    frames = film(4, channels=4)
    shown, _ = decoded_film(write_animation(tmp_path / "film.mp4", frames, 12))
    assert mean_error(shown[2], over_white(frames[2])) < 4
    path = write_animation(tmp_path / "film.webm", frames, 12)
    shown, _ = decoded_film(path, decoder="libvpx-vp9", pixels="rgba")
    assert mean_error(shown[2][..., 3], frames[2][..., 3]) < 4
    assert (shown[2][24, 14, 3], shown[2][2, 40, 3]) == (255, 0)


@pytest.mark.parametrize(("ending", "tolerance"), [(".gif", 4), (".webp", 4), (".apng", 0)])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_moving_picture_has_its_frames_and_total_time(tmp_path, ending, tolerance, channels):
    frames = film(10, channels=channels)
    path = write_animation(tmp_path / f"film{ending}", frames, 30)
    shown, durations, info = decoded_pictures(path)
    assert len(shown) == 10
    assert info["loop"] == 0
    assert sum(durations) == pytest.approx(333, abs=5)
    for picture, frame in zip(shown, frames, strict=True):
        if channels == 4:
            assert mean_error(picture[..., 3], frame[..., 3]) <= tolerance / 4
        assert mean_error(over_white(picture), over_white(frame)) <= tolerance


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng"])
def test_a_moving_picture_that_does_not_loop_plays_once(tmp_path, ending):
    _, _, info = decoded_pictures(
        write_animation(tmp_path / f"film{ending}", film(3), 10, loop=False)
    )
    assert info.get("loop", 1) == 1


def test_a_gif_of_few_colours_keeps_each_exactly(tmp_path):
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, [120, 3], dtype=np.uint8)
    frames = [colours[rng.integers(0, 120, [16, 16])] for _ in range(4)]
    shown, _, _ = decoded_pictures(write_animation(tmp_path / "film.gif", frames, 10))
    for picture, frame in zip(shown, frames, strict=True):
        np.testing.assert_array_equal(picture[..., :3], frame)


def test_what_stands_still_in_a_gif_does_not_flicker(tmp_path):
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, [24, 48, 3], dtype=np.uint8)  # far more colours than a palette
    frames = [np.concatenate([still, shaded_disc(number)[:24]]) for number in range(8)]
    shown, _, _ = decoded_pictures(write_animation(tmp_path / "film.gif", frames, 10))
    for picture in shown[1:]:
        np.testing.assert_array_equal(picture[:24], shown[0][:24])


@pytest.mark.parametrize("ending", [".gif", ".webp", ".apng", ".mp4"])
def test_white_stays_white(tmp_path, ending):
    path = write_animation(tmp_path / f"film{ending}", film(4), 10)
    shown = decoded_film(path)[0] if ending == ".mp4" else decoded_pictures(path)[0]
    assert shown[3][:4, 20:, :3].min() >= (255 if ending in (".gif", ".apng") else 253)


def test_tick_durations_never_drift():
    assert tick_durations(6, 30, 100) == [3, 4, 3, 3, 4, 3]
    assert sum(tick_durations(7 * 24, 24, 1000)) == 7000


def test_a_sprite_sheet_s_atlas_says_where_each_frame_is(tmp_path):
    frames = film(7, channels=4)
    path = write_animation(tmp_path / "sheet.json", frames, 12)
    atlas = json.loads(path.read_text())
    sheet = np.asarray(Image.open(tmp_path / atlas["meta"]["image"]))
    assert atlas["meta"]["size"] == {"w": sheet.shape[1], "h": sheet.shape[0]}
    assert [entry["duration"] for entry in atlas["frames"]] == [83, 84, 83, 83, 84, 83, 83]
    covered = np.zeros(sheet.shape[:2], int)
    for entry, frame in zip(atlas["frames"], frames, strict=True):
        x, y, w, h = (entry["frame"][key] for key in "xywh")
        np.testing.assert_array_equal(sheet[y : y + h, x : x + w], frame)
        covered[y - 1 : y + h + 1, x - 1 : x + w + 1] += 1
    assert covered.max() == 1  # free pixels lie between any two cells
    assert (sheet[covered == 0] == 0).all()


def test_a_sprite_sheet_larger_than_graphics_take_is_refused():
    assert sheet_columns(16, (100, 100)) == 4
    with pytest.raises(
        ValueError, match=r"must be at most 16384 px wide and high\. Received: 300 fr"
    ):
        sheet_columns(300, (1024, 1024))


def test_a_png_sequence_counts_from_1_and_goes_on_where_it_stopped(tmp_path):
    frames, folder = film(4), tmp_path / "frames"
    first = PngSequence(folder, {"fps": 12}, {"seed": "7"})
    first.add(frames[0])
    first.add(frames[1])
    cut = folder / "frame_00002.png"
    cut.write_bytes(cut.read_bytes()[:-9])
    again = PngSequence(folder, {"fps": 12}, {"seed": "7"})
    np.testing.assert_array_equal(again.stored(1), frames[0])
    assert again.stored(2) is None
    assert again.stored(3) is None
    kept = (folder / "frame_00001.png").stat().st_mtime_ns
    for frame in frames:
        again.add(frame)
    assert (folder / "frame_00001.png").stat().st_mtime_ns == kept
    names = sorted(path.name for path in folder.glob("*.png"))
    assert names == [f"frame_{number:05d}.png" for number in (1, 2, 3, 4)]
    for name, frame in zip(names, frames, strict=True):
        image = Image.open(folder / name)
        assert image.text == {"seed": "7"}
        np.testing.assert_array_equal(np.asarray(image), frame)


def test_a_png_sequence_of_other_settings_or_a_folder_of_other_files_is_refused(tmp_path):
    PngSequence(tmp_path / "frames", {"fps": 12, "seed": 7})
    with pytest.raises(ValueError, match=r"Received: .*frames, made with another seed"):
        PngSequence(tmp_path / "frames", {"fps": 12, "seed": 8})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="which holds other files"):
        write_animation(tmp_path / "photos", film(1), 12)


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [
        ("film.avi", 12, r"must end in \.mp4, .* or a folder \(PNGs\)\. Received: 'film.avi'"),
        ("film.png", 12, r"A moving PNG is \.apng"),
        ("film.mp4", 0, "`fps` must be above 0"),
        ("film.gif", 60, "`fps` of a GIF must be at most 50"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_frame_is_taken(tmp_path, name, fps, message):
    def frames():
        pytest.fail("a frame was taken")
        yield

    with pytest.raises(ValueError, match=message):
        write_animation(tmp_path / name, frames(), fps)


@pytest.mark.parametrize("name", FILES)
def test_frames_of_several_shapes_are_refused_and_the_earlier_file_stays(tmp_path, name):
    write_animation(tmp_path / name, film(2), 12)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=r"of one shape, the first's, \(48, 48, 3\)"):
        write_animation(tmp_path / name, [*film(2), film(1, size=32)[0]], 12)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", [name for name in FILES if name != "frames"])
def test_no_frames_at_all_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="`frames` must hold at least one frame"):
        write_animation(tmp_path / name, [], 12)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["film.mp4", "film.gif", "film.json", "frames"])
def test_a_full_disk_leaves_the_earlier_file_and_nothing_else(tmp_path, name):
    earlier = film(2)
    write_animation(tmp_path / name, earlier, 12)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    if name == "frames":  # its two frames are there; the third does not fit
        earlier += film(1)
    program = (
        "import sys; import numpy as np; from psgan_tf.video import write_animation\n"
        "rng = np.random.default_rng(0)\n"
        "noise = [rng.integers(0, 256, [48, 48, 3], dtype=np.uint8) for _ in range(30)]\n"
        "try: write_animation(sys.argv[1], noise, 12)\n"
        "except OSError as error: print(error.strerror)\n"
    )

    def small_disk():
        # Larger files than this cannot be written, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / name],
        cwd=REPOSITORY,
        preexec_fn=small_disk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == os.strerror(27), done.stderr
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_without_pyav_films_are_refused_and_the_rest_is_written(tmp_path):
    program = (
        "import sys; sys.modules['av'] = None\n"
        "import numpy as np; from psgan_tf.video import write_animation\n"
        "frames = [np.zeros([8, 8, 3], np.uint8)] * 2\n"
        "write_animation(sys.argv[1] + '/film.gif', frames, 12)\n"
        "try: write_animation(sys.argv[1] + '/film.mp4', frames, 12)\n"
        "except ValueError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert "`output` .mp4 needs PyAV. Received: no PyAV. Install" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]


def test_over_white_mixes_by_alpha():
    frame = np.array([[[100, 0, 200, 0], [100, 0, 200, 255], [100, 0, 200, 51]]], np.uint8)
    expected = [[255, 255, 255], [100, 0, 200], [224, 204, 244]]
    np.testing.assert_array_equal(over_white(frame)[0], expected)
