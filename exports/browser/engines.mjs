// The two runtimes, alike: an engine loads a file of the bundle and gives an asynchronous function from the values of one
// picture, (1, H, W, 3), to its outputs by name. `tensors` says how the file stores them. The WebAssembly comes from node_modules beside the page.

import { Tensor as LiteTensor, loadAndCompile, loadLiteRt } from "@litertjs/core";
import * as ort from "onnxruntime-web";

const packages = new URL("node_modules/", document.baseURI);
let lite = null;

// LiteRT.js writes its notes ("INFO: ...") as errors; here they are notes, and errors stay errors.
const { error } = console;
console.error = (...words) => (/^(INFO|WARNING):/.test(words[0]) ? console.debug : error).apply(console, words);

/** What the integers of an output stand for; floats as they are. */
function floats(values, stored) {
  if (stored?.scale == null) return values;
  return Float32Array.from(values, (value) => (value - stored.zero_point) * stored.scale);
}

/** The picture as the file takes it: of one with a signed input, the pixel less 128. */
function signed(values, stored) {
  return stored?.dtype === "int8" ? Int8Array.from(values, (value) => value - 128) : values;
}

async function litert(url, contract, tensors) {
  lite ??= loadLiteRt(new URL("@litertjs/core/wasm/", packages).href);
  await lite;
  const model = await loadAndCompile(url, { accelerator: "wasm" });
  const shape = [1, ...contract.input.shape.slice(1)];
  return async (values) => {
    const image = new LiteTensor(signed(values, tensors.image), shape);
    const given = await model.run("serving_default", { image });
    const found = Object.fromEntries(
      Object.entries(given).map(([name, tensor]) => [name, floats(tensor.toTypedArray().slice(), tensors[name])]),
    );
    for (const tensor of [image, ...Object.values(given)]) tensor.delete();
    return found;
  };
}

async function onnx(url, contract) {
  ort.env.wasm.numThreads = 1; // more would need a server that isolates the page
  ort.env.wasm.wasmPaths = new URL("onnxruntime-web/dist/", packages).href;
  const session = await ort.InferenceSession.create(url, { executionProviders: ["wasm"] });
  const shape = [1, ...contract.input.shape.slice(1)];
  return async (values) => {
    const tensors = await session.run({ image: new ort.Tensor(contract.input.dtype, values, shape) });
    return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.data]));
  };
}

export const ENGINES = { litert, onnx };
export const NAMES = { litert: "LiteRT.js", onnx: "ONNX Runtime Web" };
