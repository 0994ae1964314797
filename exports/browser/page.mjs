// The page: choose a file of the bundle, give it a picture or the camera, and see what it says. Text is only ever set as
// text, so that a label cannot be markup.

import { checkGolden, drawn, drawnFrame, openBundle, openFile, prepared } from "./bundle.mjs";
import { NAMES } from "./engines.mjs";
import { answer } from "./picture.mjs";

const SHOWN = 5; // labels with bars
const at = (id) => document.getElementById(id);
const state = { file: null, stream: null };

async function start() {
  const bundle = await openBundle(new URL(new URLSearchParams(location.search).get("bundle") ?? "bundle/", document.baseURI));
  const { contract } = bundle;
  const [, height, width] = contract.input.shape;
  at("about").textContent =
    `${counted(contract.outputs[0].labels.length, contract.task === "regression" ? "value" : "label")}, pictures of ` +
    `${width} × ${height} pixels. Nothing leaves this browser.`;
  for (const [path, kind] of bundle.files) {
    at("artifact").append(new Option(`${NAMES[kind.format]}, ${kind.precision}`, path));
  }
  at("artifact").addEventListener("change", guarded(() => choose(bundle)));
  at("file").addEventListener("change", guarded(() => at("file").files[0] && show(at("file").files[0])));
  at("camera").addEventListener("click", guarded(camera));
  at("check").addEventListener("click", guarded(check));
  for (const name of ["dragover", "dragleave", "drop"]) at("drop").addEventListener(name, guarded(dropped));
  await choose(bundle);
  document.body.dataset.ready = "yes";
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

async function choose(bundle) {
  enable(false);
  const begun = performance.now();
  state.file = await openFile(bundle, at("artifact").value);
  at("loaded").textContent = `loaded in ${(performance.now() - begun).toFixed(0)} ms`;
  at("checked").textContent = "";
  enable(true);
}

function enable(ready) {
  for (const id of ["artifact", "file", "camera", "check"]) at(id).disabled = !ready;
}

async function dropped(event) {
  event.preventDefault();
  at("drop").classList.toggle("over", event.type === "dragover");
  const [picture] = event.dataTransfer.files;
  if (event.type === "drop" && picture) await show(picture);
}

async function show(picture) {
  stopCamera();
  const pixels = await drawn(picture, at("picture"));
  at("picture").setAttribute("aria-label", picture.name ?? "picture");
  await ask(pixels);
}

async function ask(pixels) {
  const { contract } = state.file.bundle;
  const begun = performance.now();
  const values = prepared(pixels, contract.input);
  const ready = performance.now();
  const outputs = await state.file.predict(values);
  const done = performance.now();
  said(outputs[contract.outputs[0].name], contract);
  at("time").textContent =
    `${(done - ready).toFixed(1)} ms in ${NAMES[state.file.format]}, ${(ready - begun).toFixed(1)} ms to resize`;
}

function said(row, contract) {
  const { labels } = contract.outputs[0];
  const found = answer(row, contract);
  const order = Array.from(labels.keys()).sort((one, other) => row[other] - row[one]);
  const unit = contract.task !== "regression";
  const texts = found === null ? labels.map((label, index) => `${label}: ${row[index].toPrecision(4)}`) : [found].flat();
  at("said").textContent = texts.length ? texts.join(", ") : "none of the labels";
  at("bars").replaceChildren(...(unit ? order.slice(0, SHOWN).map((index) => bar(labels[index], row[index])) : []));
}

function bar(label, share) {
  const item = document.createElement("li");
  const name = Object.assign(document.createElement("span"), { textContent: label });
  const number = Object.assign(document.createElement("span"), {
    textContent: `${(100 * share).toFixed(1)} %`,
    className: "number",
  });
  const length = Object.assign(document.createElement("progress"), { max: 1, value: share });
  length.setAttribute("aria-label", label);
  item.append(name, number, length);
  return item;
}

async function camera() {
  if (state.stream) return stopCamera();
  state.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  at("video").srcObject = state.stream;
  await at("video").play();
  at("camera").textContent = "Stop the camera";
  at("picture").setAttribute("aria-label", "The camera's picture");
  while (state.stream) {
    await ask(drawnFrame(at("video"), at("picture")));
    await new Promise(requestAnimationFrame);
  }
  return undefined;
}

function stopCamera() {
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  state.stream = null;
  at("camera").textContent = "Use the camera";
}

async function check() {
  enable(false);
  const { failures, count, error } = await checkGolden(state.file);
  at("checked").textContent = failures.length
    ? `${counted(failures.length, "difference")}: ${failures.join("; ")}`
    : `All ${count} golden answers hold; the largest difference of a logit is ${error.toExponential(1)}.`;
  enable(true);
}

/** A handler whose errors are shown to the person who caused them. */
function guarded(work) {
  return async (event) => {
    at("problem").textContent = "";
    try {
      await work(event);
    } catch (error) {
      problem(error);
      enable(state.file !== null);
    }
  };
}

function problem(error) {
  const unreadable = "This is no picture that the browser can read. Choose a JPEG, PNG or WebP file.";
  at("problem").textContent = error.name === "InvalidStateError" ? unreadable : error.message;
}

start().catch(problem);
