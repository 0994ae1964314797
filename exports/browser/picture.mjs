// From a decoded picture to the input of a tfxfer bundle's files, and from their output to the answer.
// The resize rule is that of contract.json, to the byte: bilinear with antialiasing, half-pixel centres, in the fixed-point
// arithmetic of Pillow's Image.resize, along the width and then along the height, so that every runtime sees the pixels
// that the network was trained on.

const BITS = 22; // of a weight's fraction: 32 less 8 of the pixel and 2 of room
const HALF = 1 << (BITS - 1);

/** The picture {data: RGB bytes, width, height} by the contract's rule: RGB bytes of height x width. */
export function resized(picture, height, width, rule) {
  const wide = picture.width * height > picture.height * width;
  if (rule === "crop") {
    const columns = wide ? rounded(picture.height * width, height) : picture.width;
    const rows = wide ? picture.height : rounded(picture.width * height, width);
    const left = (picture.width - columns) >> 1;
    const top = (picture.height - rows) >> 1;
    return stretched(cropped(picture, left, top, columns, rows), height, width);
  }
  if (rule === "pad") {
    const columns = wide ? width : rounded(picture.width * height, picture.height);
    const rows = wide ? rounded(picture.height * width, picture.width) : height;
    const inner = stretched(picture, rows, columns);
    return pasted(inner, rows, columns, height, width);
  }
  return stretched(picture, height, width);
}

/** RGB bytes as the contract's input wants them: as they are, or grey by its formula. */
export function coloured(rgb, input) {
  if (input.colour_order === "RGB") return rgb;
  return Uint8Array.from({ length: rgb.length / 3 }, (_, pixel) => {
    const at = 3 * pixel;
    return (19595 * rgb[at] + 38470 * rgb[at + 1] + 7471 * rgb[at + 2] + 32768) >> 16;
  });
}

/** The label, the labels that apply, or null of a regression: the contract's task and rule on one row of outputs. */
export function answer(row, contract) {
  const { labels } = contract.outputs[0];
  const rule = contract.decision;
  if (contract.task === "regression") return null;
  if (contract.task === "multi_label") {
    return labels.filter((label, index) => row[index] >= Math.fround(rule ? rule.thresholds[label] : 0.5));
  }
  if (!rule) return labels[largest(row)];
  if (rule.rule === "costs") {
    const expected = labels.map((_, said) =>
      labels.reduce((sum, label, truth) => sum + row[truth] * rule.costs[label][said], 0),
    );
    return labels[largest(expected.map((cost) => -cost))];
  }
  const positive = labels.indexOf(rule.positive);
  if (row[positive] >= Math.fround(rule.threshold)) return rule.positive;
  return labels[largest(Array.from(row, (share, index) => (index === positive ? -1 : share)))];
}

function largest(row) {
  return row.reduce((best, value, index) => (value > row[best] ? index : best), 0);
}

// The quotient, halves up, at least 1.
function rounded(numerator, denominator) {
  return Math.max(1, Math.floor((2 * numerator + denominator) / (2 * denominator)));
}

function cropped(picture, left, top, width, height) {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * picture.width + left) * 3;
    data.set(picture.data.subarray(start, start + width * 3), y * width * 3);
  }
  return { data, width, height };
}

function pasted(inner, rows, columns, height, width) {
  const data = new Uint8Array(width * height * 3); // black
  const left = (width - columns) >> 1;
  const top = (height - rows) >> 1;
  for (let y = 0; y < rows; y++) {
    data.set(inner.subarray(y * columns * 3, (y + 1) * columns * 3), ((top + y) * width + left) * 3);
  }
  return data;
}

function stretched(picture, height, width) {
  const across = width === picture.width ? picture.data : rowsResized(picture, width);
  return height === picture.height ? across : columnsResized(across, width, picture.height, height);
}

function rowsResized({ data, width, height }, wanted) {
  const found = new Uint8Array(wanted * height * 3);
  for (const [x, { first, shares }] of weights(width, wanted).entries()) {
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < 3; channel++) {
        let [sum, at] = [HALF, (y * width + first) * 3 + channel];
        for (let k = 0; k < shares.length; k++, at += 3) sum += data[at] * shares[k];
        found[(y * wanted + x) * 3 + channel] = byte(sum);
      }
    }
  }
  return found;
}

function columnsResized(data, width, height, wanted) {
  const line = width * 3;
  const found = new Uint8Array(line * wanted);
  for (const [y, { first, shares }] of weights(height, wanted).entries()) {
    for (let x = 0; x < line; x++) {
      let [sum, at] = [HALF, first * line + x];
      for (let k = 0; k < shares.length; k++, at += line) sum += data[at] * shares[k];
      found[y * line + x] = byte(sum);
    }
  }
  return found;
}

function byte(sum) {
  return Math.min(255, Math.max(0, sum >> BITS));
}

// For each of `wanted` pixels the first source pixel and the whole-number weights of those that follow.
function weights(size, wanted) {
  const scale = size / wanted;
  const support = Math.max(scale, 1); // the half-width of the triangle, wider where the picture shrinks
  return Array.from({ length: wanted }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - centre + 0.5) * (1 / support))),
    );
    const sum = raw.reduce((total, share) => total + share, 0);
    const shares = raw.map((share) => Math.trunc(0.5 + (sum === 0 ? share : share / sum) * (1 << BITS)));
    return { first, shares: Int32Array.from(shares) };
  });
}
