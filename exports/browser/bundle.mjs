// A tfxfer bundle as the page sees it: its contract, its files, and the golden answers to hold a browser against.

import { ENGINES } from "./engines.mjs";
import { answer, coloured, resized } from "./picture.mjs";

const ARRAYS = { uint8: Uint8Array, float32: Float32Array };

/** The bundle at a URL that ends in a slash, with the files that a browser can run. */
export async function openBundle(base) {
  const contract = await (await got(new URL("contract.json", base))).json();
  const files = Object.entries(contract.quantization).filter(([, kind]) => kind.format in ENGINES);
  if (files.length === 0) {
    throw new Error("the bundle must hold a litert or onnx file. Export one: exports: [litert, onnx].");
  }
  return { base, contract, files };
}

/** One file of a bundle, ready to run: `predict(values)` gives its outputs by name. */
export async function openFile(bundle, path) {
  const { format, tensors = {} } = bundle.contract.quantization[path];
  const predict = await ENGINES[format](new URL(path, bundle.base).href, bundle.contract, tensors);
  return { bundle, path, format, predict };
}

/** The RGBA pixels of a canvas as the network takes them: the values of (1, H, W, 3) RGB or (1, H, W, 1) grey, 0-255. */
export function prepared(pixels, input) {
  if (!["RGB", "GRAY"].includes(input.colour_order)) {
    throw new Error("pictures go into a bundle that takes RGB or grey 0-255; this one has inputs of its own.");
  }
  const { width, height } = pixels;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = pixels.data[from];
    data[to + 1] = pixels.data[from + 1];
    data[to + 2] = pixels.data[from + 2];
  }
  const [, rows, columns] = input.shape;
  const fitted = resized({ data, width, height }, rows, columns, input.resize.rule);
  return ARRAYS[input.dtype].from(coloured(fitted, input));
}

/** The pixels of a picture, upright and over white, drawn on `canvas`. */
export async function drawn(blob, canvas) {
  const options = { colorSpaceConversion: "none", imageOrientation: "from-image", premultiplyAlpha: "none" };
  return drawnFrame(await createImageBitmap(blob, options), canvas);
}

/** The pixels of a bitmap or of a video's present frame, drawn on `canvas`. */
export function drawnFrame(frame, canvas) {
  canvas.width = frame.videoWidth ?? frame.width;
  canvas.height = frame.videoHeight ?? frame.height;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(frame, 0, 0);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/** What differs in this browser from the answers that the trained network gave: `failures`, `count`, the largest `error`. */
export async function checkGolden(file) {
  const { bundle, path } = file;
  const { contract } = bundle;
  const tolerance = contract.tolerances[path];
  const fetched = async (name) => npy(await (await got(new URL(name, bundle.base))).arrayBuffer());
  const [inputs, logits] = await Promise.all([contract.golden.inputs, tolerance.reference].map(fetched));
  const expected = await (await got(new URL(contract.golden.expected, bundle.base))).json();
  const key = contract.task === "multi_label" ? "labels" : "label";
  const failures = [];
  let largest = 0;
  for (const [number, entry] of expected.entries()) {
    const pixels = inputs(number);
    const name = entry.picture ?? `input ${number}`; // no picture where the inputs are none
    const values = entry.picture ? await goldenPicture(bundle, entry.picture) : pixels;
    if (!values.every((value, index) => value === pixels[index])) {
      failures.push(`${name}: decoded or resized to other pixels`);
    }
    const outputs = await file.predict(values);
    if (JSON.stringify(answer(outputs[contract.outputs[0].name], contract)) !== JSON.stringify(entry[key] ?? null)) {
      failures.push(`${name}: another ${key} than ${JSON.stringify(entry[key])}`);
    }
    const wanted = logits(number);
    const error = outputs.logits.reduce((most, logit, index) => Math.max(most, Math.abs(logit - wanted[index])), 0);
    if (!(error <= tolerance.max_abs_logit_error)) failures.push(`${name}: logits ${error.toPrecision(2)} off`);
    largest = Math.max(largest, error);
  }
  return { failures, count: expected.length, error: largest };
}

async function goldenPicture(bundle, name) {
  const blob = await (await got(new URL(name, bundle.base))).blob();
  return prepared(await drawn(blob, document.createElement("canvas")), bundle.contract.input);
}

async function got(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`'${url.pathname}' must be there. Received: HTTP ${response.status}.`);
  return response;
}

// NumPy's format: magic, version, length of a header that is a Python literal, then the values in C order.
function npy(buffer) {
  const length = new DataView(buffer).getUint16(8, true);
  const header = new TextDecoder("latin1").decode(buffer.slice(10, 10 + length));
  const type = { "|u1": Uint8Array, "<f4": Float32Array }[/'descr': '([^']+)'/.exec(header)[1]];
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(",").filter((text) => text.trim()).map(Number);
  const values = new type(buffer.slice(10 + length));
  const size = shape.slice(1).reduce((product, side) => product * side, 1);
  return (number) => values.slice(number * size, (number + 1) * size);
}
