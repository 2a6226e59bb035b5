// Reference positions and pixels of avatars' bones, by three.js and three-vrm alone.
//
//   node reference.mjs <folder of avatars> <poses.json> > reference.json
//
// Three kinds of cases: poses made up here (a fixed formula), poses that psgan_tf computed for real
// motions (poses.json; only rotations and the hips' travel cross over, no position of any bone), and
// a VRM animation played by three-vrm-animation itself.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as THREE from 'three';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';
import { VRMLoaderPlugin, VRMUtils } from '@pixiv/three-vrm';
import { createVRMAnimationClip, VRMAnimationLoaderPlugin } from '@pixiv/three-vrm-animation';

globalThis.self = globalThis; // the loader asks for it even where no picture is loaded

const AVATARS = ['godette_vrm0.vrm', 'female_mannequin_vrm1.vrm', 'cryptovoxels_vrm0.vrm'];
const BODY = ['hips', 'spine', 'chest', 'upperChest', 'neck', 'head'].concat(
  ...['left', 'right'].map((side) =>
    ['Shoulder', 'UpperArm', 'LowerArm', 'Hand', 'UpperLeg', 'LowerLeg', 'Foot', 'Toes'].map((name) => side + name)),
);
const CAMERAS = [
  { yaw_rad: 0, pitch_rad: 0 },
  { yaw_rad: 0.7, pitch_rad: 0.2 },
  { yaw_rad: -2.1, pitch_rad: -0.1 },
];
const SIZE_PX = 1024;
const PIXELS_PER_UNIT = 400;
const TARGET_HEIGHT = 0.8;
const ANIMATION = 'idle_loop.vrma';
const ANIMATION_FRAMES = { fps: 120, frames: [0, 37, 301, 602, 1001] };

async function load(file, plugin) {
  const loader = new GLTFLoader();
  loader.register((parser) => ({ name: 'NO_PICTURES', loadTexture: async () => new THREE.Texture() }));
  loader.register(plugin);
  const data = await readFile(file);
  const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  return (await loader.parseAsync(buffer, '')).userData;
}

const loadAvatar = async (file) => (await load(file, (parser) => new VRMLoaderPlugin(parser))).vrm;

// World positions in the file's own axes.
function positions(vrm) {
  vrm.humanoid.update();
  vrm.scene.updateMatrixWorld(true);
  const result = {};
  for (const bone of BODY) {
    const node = vrm.humanoid.getRawBoneNode(bone);
    if (node) result[bone] = node.getWorldPosition(new THREE.Vector3()).toArray();
  }
  return result;
}

// Pixels on a turntable before an orthographic camera, the hips above its axis.
function pixels(vrm, { yaw_rad, pitch_rad }) {
  VRMUtils.rotateVRM0(vrm); // both versions face +z from here on
  const turntable = new THREE.Group();
  const centred = new THREE.Group();
  turntable.add(centred);
  centred.add(vrm.scene);
  turntable.updateMatrixWorld(true);
  const hips = vrm.humanoid.getRawBoneNode('hips').getWorldPosition(new THREE.Vector3());
  centred.position.set(-hips.x, 0, -hips.z);
  turntable.rotation.y = yaw_rad;
  turntable.updateMatrixWorld(true);
  const half = SIZE_PX / 2 / PIXELS_PER_UNIT;
  const camera = new THREE.OrthographicCamera(-half, half, half, -half, 0.1, 100);
  camera.position.set(0, TARGET_HEIGHT + 10 * Math.sin(pitch_rad), 10 * Math.cos(pitch_rad));
  camera.lookAt(0, TARGET_HEIGHT, 0);
  camera.updateMatrixWorld(true);
  camera.updateProjectionMatrix();
  const result = {};
  for (const bone of BODY) {
    const node = vrm.humanoid.getRawBoneNode(bone);
    if (!node) continue;
    const point = node.getWorldPosition(new THREE.Vector3()).project(camera);
    result[bone] = [(point.x + 1) * SIZE_PX / 2, (1 - point.y) * SIZE_PX / 2].map((v) => rounded(v, 5));
  }
  vrm.scene.removeFromParent();
  vrm.scene.rotation.y = 0;
  return result;
}

const rounded = (value, digits = 8) => Number(value.toFixed(digits));
const roundedAll = (values) => Object.fromEntries(
  Object.entries(values).map(([key, list]) => [key, list.map((v) => rounded(v))]),
);

// Every bone turned about its own axis by its own angle.
function madeUpPose(vrm, number) {
  const pose = {};
  BODY.forEach((bone, index) => {
    if (!vrm.humanoid.getRawBoneNode(bone)) return;
    const axis = new THREE.Vector3(
      Math.sin(1 + index * 1.7 + number), Math.cos(2 + index * 2.3 - number), Math.sin(3 + index * 0.9 * number)).normalize();
    const turn = new THREE.Quaternion().setFromAxisAngle(axis, 0.9 * Math.sin(index * 0.77 + 2.1 * number));
    pose[bone] = turn.toArray().map((v) => rounded(v));
  });
  return { bones: pose, hips_travel: [0.11 * number, -0.07 * number, 0.23] };
}

function applyPose(vrm, pose) {
  vrm.humanoid.resetNormalizedPose();
  const state = Object.fromEntries(Object.entries(pose.bones).map(([bone, rotation]) => [bone, { rotation }]));
  state.hips = { ...state.hips, position: pose.hips_travel };
  vrm.humanoid.setNormalizedPose(state);
}

let described = 0;

function describe(vrm) {
  const places = positions(vrm);
  const camera = described++ % CAMERAS.length;
  return { camera, positions: roundedAll(places), pixels: pixels(vrm, CAMERAS[camera]) };
}

async function main([folder, posesFile]) {
  const result = {
    three: THREE.REVISION,
    size_px: SIZE_PX, pixels_per_unit: PIXELS_PER_UNIT, target_height: TARGET_HEIGHT, cameras: CAMERAS,
    made_up: [], motions: [], animation: [],
  };
  const given = JSON.parse(await readFile(posesFile, 'utf8'));
  for (const file of AVATARS) {
    const vrm = await loadAvatar(path.join(folder, 'models', file));
    for (const number of [1, 2]) {
      const pose = madeUpPose(vrm, number);
      applyPose(vrm, pose);
      result.made_up.push({ avatar: file, pose, ...describe(vrm) });
    }
    for (const { avatar, motion, clip, frame, pose } of given) {
      if (avatar !== file) continue;
      applyPose(vrm, pose);
      result.motions.push({ avatar, motion, clip, frame, ...describe(vrm) });
    }
    vrm.humanoid.resetNormalizedPose();
    const animation = (await load(
      path.join(folder, 'motions', ANIMATION), (parser) => new VRMAnimationLoaderPlugin(parser))).vrmAnimations[0];
    const mixer = new THREE.AnimationMixer(vrm.scene);
    mixer.clipAction(createVRMAnimationClip(animation, vrm)).play();
    for (const frame of ANIMATION_FRAMES.frames) {
      mixer.setTime(frame / ANIMATION_FRAMES.fps);
      result.animation.push({
        avatar: file, motion: ANIMATION, fps: ANIMATION_FRAMES.fps, frame, positions: roundedAll(positions(vrm)),
      });
    }
  }
  // One case a line, so that a change shows as one.
  const lines = Object.entries(result).map(([key, value]) => Array.isArray(value)
    ? `${JSON.stringify(key)}: [\n${value.map((item) => JSON.stringify(item)).join(',\n')}\n]`
    : `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  process.stdout.write(`{\n${lines.join(',\n')}\n}\n`);
}

await main(process.argv.slice(2));
