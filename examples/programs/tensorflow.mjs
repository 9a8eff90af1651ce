// TensorFlow.js as a program that convparity asks: float32, channels last underneath, no groups.
// npm install @tensorflow/tfjs, beside this file or in a folder that NODE_PATH names.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const tf = createRequire(import.meta.url)("@tensorflow/tfjs");

function readNpy(path) { // version 1, float32, C order
  const file = readFileSync(path);
  const start = 10 + file.readUInt16LE(8);
  const shape = /'shape': \(([^)]*)\)/.exec(file.toString("latin1", 10, start))[1];
  const values = new Float32Array(file.buffer.slice(file.byteOffset + start, file.byteOffset + file.length));
  return tf.tensor(values, shape.split(",").filter((text) => text.trim()).map(Number));
}

function writeNpy(path, tensor) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tensor.shape.join(", ")},), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + "\n";
  const start = Buffer.from([0x93, 78, 85, 77, 80, 89, 1, 0, padded.length & 255, padded.length >> 8]);
  writeFileSync(path, Buffer.concat([start, Buffer.from(padded), Buffer.from(tensor.dataSync().buffer)]));
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const unsupported = (why) => Object.assign(new Error(why), { name: "NotImplementedError" });

// Convolutions of one axis are of two, the first of which has one element; what x is padded with, y is cut by.
function compute({ op, stride, padding, dilation, groups, output_padding: extra }, x, w, bias) {
  if (groups > 1) throw unsupported("TensorFlow.js has no groups");
  const transposed = op.startsWith("conv_transpose");
  if (x.rank === 3) {
    const two = { op, stride: [1, ...stride], padding: [[0, 0], ...padding], dilation: [1, ...dilation], groups };
    return compute({ ...two, output_padding: [0, ...(extra ?? [])] }, x.expandDims(2), w.expandDims(2), bias)
      .squeeze([2]);
  }
  const rank = x.rank - 2;
  const last = (tensor) => tf.transpose(tensor, [0, ...range(2, rank + 2), 1]);
  const kernel = tf.transpose(w, [...range(2, rank + 2), 1, 0]); // transposed, (C, O, *k) is (*k, O, C)
  let y;
  if (transposed) {
    if (Math.max(...dilation) > 1) throw unsupported("TensorFlow.js dilates no transposed layer");
    const full = x.shape.slice(2).map((n, axis) => (n - 1) * stride[axis] + w.shape[2 + axis]);
    const run = rank === 2 ? tf.conv2dTranspose : tf.conv3dTranspose;
    y = run(last(x), kernel, [x.shape[0], ...full, w.shape[1]], stride, "valid");
    const sizes = full.map((m, axis) => m - padding[axis][0] - padding[axis][1] + (extra?.[axis] ?? 0));
    const after = sizes.map((m, axis) => Math.max(padding[axis][0] + m - full[axis], 0));
    y = tf.pad(y, [[0, 0], ...after.map((zeros) => [0, zeros]), [0, 0]]);
    y = tf.slice(y, [0, ...padding.map(([before]) => before), 0], [x.shape[0], ...sizes, w.shape[1]]);
  } else {
    const run = rank === 2 ? tf.conv2d : tf.conv3d;
    const format = rank === 2 ? "NHWC" : "NDHWC";
    if (Math.max(...stride) > 1 && Math.max(...dilation) > 1) {
      throw unsupported("TensorFlow.js takes no stride beside a dilation");
    }
    const padded = tf.pad(last(x), [[0, 0], ...padding, [0, 0]]);
    y = run(padded, kernel, stride, "valid", format, dilation);
  }
  if (bias) y = tf.add(y, bias);
  return tf.transpose(y, [0, rank + 1, ...range(1, rank + 1)]);
}

const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
await tf.setBackend("cpu");
await tf.ready();
console.log = console.info = console.warn = (...words) => process.stderr.write(`${words.join(" ")}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.protocol) {
    answer({ protocol: 1, name: "TensorFlow.js", version: tf.version["tfjs"] });
    continue;
  }
  try {
    if (asked.dtype !== "float32") throw unsupported("TensorFlow.js has float32 alone");
    tf.tidy(() => {
      const [x, w, bias] = [asked.x, asked.w, asked.bias].map((path) => path && readNpy(path));
      writeNpy(asked.y, compute(asked, x, w, bias));
    });
    answer({ id: asked.id, status: "ok" });
  } catch (error) {
    answer({ id: asked.id, status: "rejected", error: `${error.name}: ${error.message}` });
  }
}
