/**
 * Hostile texts at one, two and four times a size: time to parse and check, to check again after a keystroke in the
 * middle, to format and to hover. Growth beyond linear shows in the last column: time at four times the size over four
 * times the time at one, so that 1 is linear and 4 is quadratic.
 *
 *   npx tsx bench/hostile.ts [--size 65536] [--only NAME]
 */
import { parseArgs } from 'node:util';
import { hostileTexts, measureHostile } from './support/hostile.ts';

const { values } = parseArgs({ options: { size: { type: 'string', default: '65536' }, only: { type: 'string' } } });
const size = Number(values.size);
const steps = ['open', 'keystroke', 'format', 'hover'] as const;
console.log(
  `${'text'.padEnd(24)}${steps.map((step) => step.padStart(12)).join('')}   ms at ${4 * size} characters; growth`,
);
for (const [name, make] of Object.entries(hostileTexts)) {
  if (values.only !== undefined && values.only !== name) continue;
  measureHostile(make(size));
  const [small, , large] = [size, 2 * size, 4 * size].map((length) => measureHostile(make(length)));
  if (!small || !large) continue;
  const growth = steps.map((step) => (large[step] > 20 ? (large[step] / (4 * small[step])).toFixed(1) : '–'));
  console.log(
    `${name.padEnd(24)}${steps.map((step) => large[step].toFixed(0).padStart(12)).join('')}   ${growth.join(' ')}`,
  );
}
