"""The paper's arithmetic once more, in plain numpy and float64, slow and clear.

Written from Progressive GAN table 2 and appendix A.1 and from PSGAN section 3.1, sharing no code
with psgan_tf: where both give the same numbers, neither is likely to be wrong.
"""

import numpy as np

HE_GAIN = 2**0.5


def leaky_relu(x):
    return np.where(x > 0, x, 0.2 * x)


def pixel_norm(x):
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-8)


def upscale(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def downscale(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def equalized(kernel, gain):
    """The kernel as it is used: all axes but the last count as fan-in."""
    return np.asarray(kernel, np.float64) * gain / np.sqrt(np.prod(kernel.shape[:-1]))


def convolution(x, kernel, bias):
    """A sum over the kernel's taps, each a shifted copy of the zero-padded picture."""
    size = kernel.shape[0]
    margin = size // 2
    padded = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    height, width = x.shape[1:3]
    out = np.zeros((*x.shape[:3], kernel.shape[-1]))
    for dy in range(size):
        for dx in range(size):
            out += padded[:, dy : dy + height, dx : dx + width] @ kernel[dy, dx]
    return out + bias


def with_stddev(x):
    """Appends the mean over positions and channels of the standard deviation over the batch."""
    deviation = np.sqrt(((x - x.mean(axis=0)) ** 2).mean(axis=0) + 1e-8).mean()
    return np.concatenate([x, np.full((*x.shape[:3], 1), deviation)], axis=-1)


def full_size_pose_map(keypoints, frame):
    """The paper's map: [B, frame, frame, M] int8, +1 in one pixel a plane, -1 elsewhere."""
    maps = np.full((len(keypoints), frame, frame, keypoints.shape[1]), -1, np.int8)
    for row, pose in enumerate(keypoints):
        for plane, (x, y, visible) in enumerate(pose):
            if visible and 0 <= x < frame and 0 <= y < frame:
                maps[row, int(np.floor(y)), int(np.floor(x)), plane] = 1
    return maps


def max_pool(maps):
    """Maximum of 2 x 2 pixels."""
    rows = np.maximum(maps[:, ::2], maps[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def pose_pyramid(keypoints, frame):
    """Pose maps by resolution, from the full size down to 4: drawn once, then pooled."""
    maps = {frame: full_size_pose_map(keypoints, frame)}
    while frame > 4:
        maps[frame // 2] = max_pool(maps[frame])
        frame //= 2
    return maps


class Networks:
    """Both networks run from a dict of their weights.

    Args:
        weights: arrays by name, of a generator, a discriminator or both.
        keypoints: [B, M, 3] of the batch, or None.
        frame: size in pixels of the square that keypoints are measured in, a power of two.
        pose_resolutions: the scales at which the pose enters; None means all.
    """

    def __init__(self, weights, keypoints=None, frame=4, pose_resolutions=None):
        self.weights = weights
        self.maps = {} if keypoints is None else pose_pyramid(keypoints, frame)
        if pose_resolutions is not None:
            self.maps = {n: maps for n, maps in self.maps.items() if n in pose_resolutions}

    def conv(self, name, x, gain=HE_GAIN):
        kernel, bias = self.weights[f"{name}/kernel"], self.weights[f"{name}/bias"]
        return convolution(x, equalized(kernel, gain), bias)

    def dense(self, name, x, gain):
        kernel, bias = self.weights[f"{name}/kernel"], self.weights[f"{name}/bias"]
        return x @ equalized(kernel, gain) + bias

    def posed(self, n, x):
        """Features with the pose map of their resolution appended."""
        return np.concatenate([x, self.maps[n]], axis=-1) if n in self.maps else x

    def generator_features(self, latents, resolution):
        kernel = equalized(self.weights["generator/4x4/dense/kernel"], HE_GAIN / 4)
        x = (pixel_norm(latents) @ kernel).reshape(len(latents), 4, 4, -1)
        x = pixel_norm(leaky_relu(x + self.weights["generator/4x4/dense/bias"]))
        x = pixel_norm(leaky_relu(self.conv("generator/4x4/conv0", self.posed(4, x))))
        n = 8
        while n <= resolution:
            x = self.posed(n, upscale(x))
            x = pixel_norm(leaky_relu(self.conv(f"generator/{n}x{n}/conv0", x)))
            x = pixel_norm(leaky_relu(self.conv(f"generator/{n}x{n}/conv1", x)))
            n *= 2
        return x

    def picture(self, latents, resolution):
        features = self.generator_features(latents, resolution)
        return self.conv(f"generator/{resolution}x{resolution}/to_rgb", features, gain=1)

    def generator(self, latents, resolution, alpha=None):
        fine = self.picture(latents, resolution)
        if alpha is None:
            return fine
        return (1 - alpha) * upscale(self.picture(latents, resolution // 2)) + alpha * fine

    def from_rgb(self, n, images):
        return leaky_relu(self.conv(f"discriminator/{n}x{n}/from_rgb", images))

    def halved(self, n, x):
        x = leaky_relu(self.conv(f"discriminator/{n}x{n}/conv0", self.posed(n, x)))
        return downscale(leaky_relu(self.conv(f"discriminator/{n}x{n}/conv1", x)))

    def discriminator(self, images, resolution, alpha=None):
        x = self.from_rgb(resolution, images)
        n = resolution
        while n > 4:
            x = self.halved(n, x)
            n //= 2
            if alpha is not None and 2 * n == resolution:
                x = (1 - alpha) * self.from_rgb(n, downscale(images)) + alpha * x
        x = self.posed(4, with_stddev(x))
        x = leaky_relu(self.conv("discriminator/4x4/conv0", x))
        x = x.reshape(len(x), -1)
        x = leaky_relu(self.dense("discriminator/4x4/dense0", x, HE_GAIN))
        return self.dense("discriminator/4x4/dense1", x, gain=1)[:, 0]


class Adam:
    """Kingma and Ba's Adam with beta1 0, beta2 0.99, epsilon 1e-8 added after the root."""

    def __init__(self, values):
        self.values = [np.array(value, np.float64) for value in values]
        self.reset()

    def reset(self):
        self.second_moments = [np.zeros_like(value) for value in self.values]
        self.steps = 0

    def step(self, gradients, rate):
        self.steps += 1
        correction = np.sqrt(1 - 0.99**self.steps)
        for value, moment, gradient in zip(
            self.values, self.second_moments, gradients, strict=True
        ):
            moment *= 0.99
            moment += 0.01 * np.square(gradient)
            value -= rate * correction * gradient / (np.sqrt(moment) + 1e-8)


def philox(counter, key):
    """Philox 4 x 32 with ten rounds (Salmon et al., 2011): four words of four and two."""
    words, key = [int(word) for word in counter], [int(word) for word in key]
    for _ in range(10):
        first, second = words[0] * 0xD2511F53, words[2] * 0xCD9E8D57
        words = [
            (second >> 32) ^ words[1] ^ key[0],
            second & 0xFFFFFFFF,
            (first >> 32) ^ words[3] ^ key[1],
            first & 0xFFFFFFFF,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return words


def stateless_normal(count, seed):
    """TensorFlow's `stateless_normal(alg="philox")` for `seed`, two int64; count of 4 n numbers."""
    halves = [(value >> shift) & 0xFFFFFFFF for value in seed for shift in (0, 32)]
    mixed = philox(halves, (0x3EC8F720, 0x02461E29))
    numbers = []
    for index in range(count // 4):
        words = philox((index, 0, mixed[2], mixed[3]), mixed[:2])
        # 23 bits become a fraction in [0, 1); two fractions a pair of normal numbers.
        fractions = [(word & 0x7FFFFF) / 2**23 for word in words]
        for radius, turn in (fractions[:2], fractions[2:]):
            length = np.sqrt(-2 * np.log(max(radius, 1e-7)))
            numbers += [np.sin(2 * np.pi * turn) * length, np.cos(2 * np.pi * turn) * length]
    return np.asarray(numbers)


def normal(*shape, seed=0):
    """The same numbers for a shape and a seed, whichever tests run."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)
