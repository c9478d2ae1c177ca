/**
 * The Threefry counter-based generator as TVM runs it: four 64-bit words, twenty rounds.
 *
 * A generator state has ten words: a key (0–3), a path in the tree of split generators (4, 5), a counter (6, 7; the
 * second half counts) and the position of the path's next bit (8, 9).
 */
const mask = (1n << 64n) - 1n;
const rotations: readonly (readonly [bigint, bigint])[] = [
  [14n, 16n],
  [52n, 57n],
  [23n, 40n],
  [5n, 37n],
  [25n, 33n],
  [46n, 12n],
  [58n, 22n],
  [32n, 32n],
];
const parity = 0x1bd11bdaa9fc1a22n;

export type State = readonly bigint[];

function rotateLeft(x: bigint, by: bigint): bigint {
  return ((x << by) | (x >> (64n - by))) & mask;
}

/** The block cipher: four words of a key and of a counter to four random words. */
function threefry(key: readonly bigint[], counter: readonly bigint[]): bigint[] {
  const full = [0, 1, 2, 3].map((i) => key[i] ?? 0n);
  full.push(full.reduce((a, b) => a ^ b, parity));
  let [a, b, c, d] = [0, 1, 2, 3].map((i) => counter[i] ?? 0n) as [bigint, bigint, bigint, bigint];
  for (let group = 0; group < 5; group++) {
    const word = (i: number): bigint => full[(group + i) % 5] ?? 0n;
    a = (a + word(0)) & mask;
    b = (b + word(1)) & mask;
    c = (c + word(2)) & mask;
    d = (d + word(3) + BigInt(group)) & mask;
    for (let k = 0; k < 4; k++) {
      const [first, second] = rotations[(group * 4 + k) % 8] ?? [0n, 0n];
      const x = (a + b) & mask;
      // The published cipher mixes with x; TVM's code adds b to it once more, and so do its recorded numbers.
      const y = ((x + b) & mask) ^ rotateLeft(b, first);
      const z = (c + d) & mask;
      const w = ((z + d) & mask) ^ rotateLeft(d, second);
      [a, b, c, d] = [x, w, z, y];
    }
  }
  return [a, b, c, d];
}

/** The path's next bit one place further, over two words. */
function shiftPath(high: bigint, low: bigint): [bigint, bigint] {
  if (high === 1n) return [0n, 1n << 63n];
  if (high === 0n) return [0n, low >> 1n];
  return [high >> 1n, 0n];
}

/** `count` random words and the state after them. */
export function generate(state: State, count: number): { readonly next: bigint[]; readonly words: bigint[] } {
  const at = (i: number): bigint => state[i] ?? 0n;
  let s = [...state];
  const exhausted = at(7) >= ((mask - BigInt(count)) & mask);
  if (exhausted && at(8) === 0n && at(9) === 0n)
    s = [...threefry(s, [mask, mask, 0n, 0n]), 0n, 0n, 0n, 0n, 1n << 63n, 0n];
  else if (exhausted)
    s = [at(0), at(1), at(2), at(3), at(4) | at(8), at(5) | at(9), 0n, 0n, ...shiftPath(at(8), at(9))];
  const words: bigint[] = [];
  const counter = (offset: bigint): bigint[] =>
    [s[4] ?? 0n, s[5] ?? 0n, s[6] ?? 0n, s[7] ?? 0n].map((w) => (w + offset) & mask);
  const blocks = Math.floor(count / 4);
  for (let block = 0; block < blocks; block++) words.push(...threefry(s, counter(BigInt(block))));
  const rest = count % 4;
  if (rest > 0) {
    s[7] = ((s[7] ?? 0n) + BigInt(blocks * 4)) & mask;
    words.push(...threefry(s, counter(0n)).slice(0, rest));
  }
  const step = rest > 0 ? 4n : BigInt(count);
  const next = [...s];
  next[6] = 0n;
  next[7] = ((s[7] ?? 0n) + step) & mask;
  return { next, words };
}

/** Two states whose numbers differ from each other's and from the state's own. */
export function split(state: State): { readonly left: bigint[]; readonly right: bigint[] } {
  const at = (i: number): bigint => state[i] ?? 0n;
  if (at(8) === 0n && at(9) === 0n) {
    const key = threefry(state, [at(4), at(5), at(6), at(7)]);
    return {
      left: [...key, 0n, 0n, 0n, 0n, 1n << 62n, 0n],
      right: [...key, 1n << 63n, 0n, 0n, 0n, 1n << 62n, 0n],
    };
  }
  const path = shiftPath(at(8), at(9));
  const head = [at(0), at(1), at(2), at(3)];
  return {
    left: [...head, at(4), at(5), at(6), at(7), ...path],
    right: [...head, at(4) | at(8), at(5) | at(9), at(6), at(7), ...path],
  };
}
