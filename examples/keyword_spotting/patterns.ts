/** Eight synthetic «words» as spectrograms, seeded, so that the example has something to tell apart. */

export const rows = 25;
export const columns = 10;

/** Where the energy lies over time: column (0 … 9) by row (0 … 24); `undefined` is silence. */
export const words: readonly { readonly name: string; readonly track: (t: number) => number | undefined }[] = [
  { name: 'rising', track: (t) => 1 + 7 * t },
  { name: 'falling', track: (t) => 8 - 7 * t },
  { name: 'low', track: () => 2 },
  { name: 'high', track: () => 7 },
  { name: 'arch', track: (t) => 1 + 7 * (1 - Math.abs(2 * t - 1)) },
  { name: 'valley', track: (t) => 8 - 7 * (1 - Math.abs(2 * t - 1)) },
  { name: 'early', track: (t) => (t < 0.4 ? 4.5 : undefined) },
  { name: 'late', track: (t) => (t > 0.6 ? 4.5 : undefined) },
];

/** A seeded 32-bit linear congruential generator. */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** In [0, 1). */
  uniform(): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return this.state / 2 ** 32;
  }
  /** Roughly normal with variance one: the sum of twelve uniforms. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }
}

/** One utterance of word `index`: its track, shifted, stretched and blurred, in noise; int8 with zero point 3. */
export function utterance(index: number, random: Random): Int8Array {
  const word = words[index];
  if (!word) throw new RangeError(`there is no word ${index}`);
  const shift = (random.uniform() - 0.5) * 0.12;
  const offset = (random.uniform() - 0.5) * 1.2;
  const loudness = 60 + 30 * random.uniform();
  const data = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const centre = word.track(Math.min(1, Math.max(0, row / (rows - 1) + shift)));
    for (let column = 0; column < columns; column++) {
      const distance = centre === undefined ? Infinity : column - centre - offset;
      const energy = loudness * Math.exp(-distance * distance) + 9 * random.normal();
      data[row * columns + column] = Math.max(-128, Math.min(127, Math.round(energy) + 3));
    }
  }
  return data;
}
