// Ask the ONNX file of a tfxfer bundle about pictures; no TensorFlow.
//
// node predict.mjs BUNDLE PICTURE...      what the network says of each picture
// node predict.mjs BUNDLE --golden        check this machine against the bundle's own answers

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import sharp from "sharp";
import { answer, coloured, resized } from "./picture.mjs";

const ARRAYS = { uint8: Uint8Array, float32: Float32Array };

/** The first ONNX file that the bundle's contract lists, with all that the contract says about it. */
async function load(bundle) {
  const contract = JSON.parse(await readFile(join(bundle, "contract.json"), "utf8"));
  const files = Object.entries(contract.quantization);
  const artifact = files.find(([, kind]) => kind.format === "onnx")?.[0];
  if (!artifact) throw new Error(`'${bundle}' must hold an onnx file. Received: ${files.map(([path]) => path)}. Export one.`);
  return { bundle, contract, artifact, session: await InferenceSession.create(join(bundle, artifact)) };
}

/** The picture as RGB bytes, upright, transparency over white. */
export async function opened(path) {
  const image = sharp(path, { limitInputPixels: 178956970 }).autoOrient().toColourspace("srgb").ensureAlpha();
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const rgb = new Uint8Array(info.width * info.height * 3);
  for (let pixel = 0; pixel < info.width * info.height; pixel++) {
    const alpha = data[pixel * 4 + 3];
    for (let channel = 0; channel < 3; channel++) {
      const mixed = data[pixel * 4 + channel] * alpha * 128 + 255 * (255 - alpha) * 128 + (128 << 7);
      rgb[pixel * 3 + channel] = (((mixed >> 8) + mixed) >> 8) >> 7; // as Pillow's alpha_composite rounds
    }
  }
  return { data: rgb, width: info.width, height: info.height };
}

/** The picture as the network takes it: the values of (1, H, W, 3) RGB or (1, H, W, 1) grey, 0-255. */
async function prepared(path, input) {
  if (!["RGB", "GRAY"].includes(input.colour_order)) {
    throw new Error("pictures go into a bundle that takes RGB or grey 0-255. Received: one with inputs of its own.");
  }
  const [, height, width] = input.shape;
  const fitted = resized(await opened(path), height, width, input.resize.rule);
  return ARRAYS[input.dtype].from(coloured(fitted, input));
}

/** Probabilities or values, and logits, each of all labels. */
async function outputs(model, values) {
  const { input, outputs: named } = model.contract;
  const found = await model.session.run({ image: new Tensor(input.dtype, values, [1, ...input.shape.slice(1)]) });
  return [found[named[0].name].data, found.logits.data];
}

/** The path, then each label that the answer names with its probability or value, tabs between. */
function line(path, row, contract) {
  const said = answer(row, contract);
  const { labels } = contract.outputs[0];
  const named = said === null ? labels : [said].flat();
  return [path, ...named.flatMap((label) => [label, row[labels.indexOf(label)].toFixed(4)])].join("\t");
}

/** What differs here from the answers that the trained network gave when the bundle was written. */
async function checkGolden(model) {
  const { bundle, contract, artifact } = model;
  const tolerance = contract.tolerances[artifact];
  const [inputs, logits] = await Promise.all(
    [contract.golden.inputs, tolerance.reference].map(async (path) => npy(await readFile(join(bundle, path)))),
  );
  const expected = JSON.parse(await readFile(join(bundle, contract.golden.expected), "utf8"));
  const key = contract.task === "multi_label" ? "labels" : "label";
  const failures = [];
  for (const [number, entry] of expected.entries()) {
    const pixels = inputs.row(number);
    const name = entry.picture ?? `input ${number}`; // no picture where the inputs are none
    const values = entry.picture ? await prepared(join(bundle, entry.picture), contract.input) : pixels;
    if (!values.every((value, index) => value === pixels[index])) {
      failures.push(`${name}: decoded or resized to other pixels`);
    }
    const [row, found] = await outputs(model, values);
    if (JSON.stringify(answer(row, contract)) !== JSON.stringify(entry[key] ?? null)) {
      failures.push(`${name}: another ${key} than ${JSON.stringify(entry[key])}`);
    }
    const wanted = logits.row(number);
    const error = Math.max(...Array.from(found, (logit, index) => Math.abs(logit - wanted[index])));
    if (!(error <= tolerance.max_abs_logit_error)) failures.push(`${name}: logits ${error.toPrecision(2)} off`);
  }
  return failures;
}

// NumPy's format: magic, version, length of a header that is a Python literal, then the values in C order.
function npy(buffer) {
  const length = buffer.readUInt16LE(8);
  const header = buffer.toString("latin1", 10, 10 + length);
  const type = { "|u1": Uint8Array, "<f4": Float32Array }[/'descr': '([^']+)'/.exec(header)[1]];
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(",").filter((text) => text.trim()).map(Number);
  const values = new type(Uint8Array.from(buffer.subarray(10 + length)).buffer);
  const size = shape.slice(1).reduce((product, side) => product * side, 1);
  return { row: (number) => values.slice(number * size, (number + 1) * size) };
}

async function main(words) {
  const golden = words.includes("--golden");
  const [bundle, ...pictures] = words.filter((word) => word !== "--golden");
  if (!bundle) throw new Error("usage: node predict.mjs BUNDLE [PICTURE...] [--golden]");
  const model = await load(bundle);
  for (const path of pictures) {
    const [row] = await outputs(model, await prepared(path, model.contract.input));
    console.log(line(path, row, model.contract));
  }
  const failures = golden ? await checkGolden(model) : [];
  failures.forEach((failure) => console.error(failure));
  if (golden && failures.length === 0) console.log(`golden answers hold: ${model.artifact}`);
  return failures.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (code) => (process.exitCode = code),
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
