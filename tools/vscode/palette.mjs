/**
 * Makes a picture small: a PNG of true colours becomes one of at most 256. Pictures of an editor have few colours beside
 * the edges of letters, so nothing is lost that an eye would miss.
 */
import { deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** The smaller of the picture and its form with a palette. Pictures of other kinds than 8-bit RGB(A) stay as they are. */
export function withPalette(png) {
  const image = decode(png);
  if (!image) return png;
  const small = encode(image, palette(image));
  return small.length < png.length ? small : png;
}

function decode(png) {
  if (!png.subarray(0, 8).equals(signature)) return undefined;
  let header;
  const data = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const kind = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') header = body;
    if (kind === 'IDAT') data.push(body);
    at += 12 + length;
  }
  const [depth, colour, interlaced] = [header?.[8], header?.[9], header?.[12]];
  if (depth !== 8 || (colour !== 2 && colour !== 6) || interlaced !== 0) return undefined;
  const [width, height, bytes] = [header.readUInt32BE(0), header.readUInt32BE(4), colour === 6 ? 4 : 3];
  const rows = unfilter(inflateSync(Buffer.concat(data)), width * bytes, height, bytes);
  const pixels = new Uint32Array(width * height);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = (rows[i * bytes] << 16) | (rows[i * bytes + 1] << 8) | rows[i * bytes + 2];
  return { width, height, pixels };
}

/** Undoes the five filters of the format. */
function unfilter(raw, stride, height, bytes) {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= bytes ? out[y * stride + x - bytes] : 0;
      const up = y > 0 ? out[(y - 1) * stride + x] : 0;
      const corner = x >= bytes && y > 0 ? out[(y - 1) * stride + x - bytes] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      out[y * stride + x] = raw[y * (stride + 1) + 1 + x] + guess;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** The colours that are used most, and for each further colour the nearest of them. */
function palette({ pixels }) {
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const chosen = [];
  // Colours that an eye hardly tells apart share a place, so that rarer hues keep theirs.
  const buckets = new Map();
  // What covers areas stays exactly as it is.
  const areas = [...counts].filter(([, count]) => count * 1500 > pixels.length).sort((a, b) => b[1] - a[1]);
  for (const [colour] of areas.slice(0, 128)) chosen.push(colour);
  const exact = new Set(chosen);
  for (const [colour, count] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (exact.has(colour)) continue;
    const key = ((colour >> 19) << 10) | (((colour >> 11) & 31) << 5) | ((colour >> 3) & 31);
    const known = buckets.get(key);
    if (known) known.count += count;
    else buckets.set(key, { colour, count });
  }
  const rest = [...buckets.values()].sort((a, b) => b.count - a.count);
  for (const { colour } of rest.slice(0, 256 - chosen.length)) chosen.push(colour);
  const index = new Map(chosen.map((colour, i) => [colour, i]));
  for (const colour of counts.keys()) if (!index.has(colour)) index.set(colour, nearest(colour, chosen));
  return { chosen, index };
}

function nearest(colour, chosen) {
  let [best, least] = [0, Infinity];
  for (let i = 0; i < chosen.length; i++) {
    const [r, g, b] = [16, 8, 0].map((shift) => ((colour >> shift) & 255) - ((chosen[i] >> shift) & 255));
    const distance = 2 * r * r + 4 * g * g + 3 * b * b;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

function encode({ width, height, pixels }, { chosen, index }) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(chosen.flatMap((colour) => [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = index.get(pixels[y * width + x]);
  const data = deflateSync(rows, { level: 9, memLevel: 9 });
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** CRC-32, as the format asks for it. */
function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(kind, body) {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(body.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(checksum(named), named.length + 4);
  return out;
}
