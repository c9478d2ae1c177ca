/** Sizes for people, and whether a program fits a board. */
import type { BuildResult } from '../../../server/src/protocol.ts';
import type { BoardProfile } from './profile.ts';

/** `812 B`, `42.3 KB`, `4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [scale, unit] = bytes < 1 << 20 ? [1024, 'KB'] : [1 << 20, 'MB'];
  const value = bytes / scale;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}

/** `918`, `45.1 k`, `2.66 M`. */
export function count(value: number): string {
  if (value < 10_000) return String(value);
  return value < 1_000_000 ? `${(value / 1000).toFixed(1)} k` : `${(value / 1_000_000).toFixed(2)} M`;
}

export interface BudgetProblem {
  readonly what: 'ram' | 'flash';
  readonly severity: 'warning' | 'information';
  readonly message: string;
  /** Index of the layer to look at. */
  readonly layer: number;
}

/** From this share of a memory on, the program is said to be near its limit. */
const near = 0.9;

/** What of the program does not fit, or hardly fits, the board; code, stack and runtime come on top. */
export function budgetProblems(build: BuildResult, board: BoardProfile): readonly BudgetProblem[] {
  const problems: BudgetProblem[] = [];
  const ram = board.ram === undefined ? undefined : Math.max(0, board.ram - board.stack);
  if (ram !== undefined && build.arenaBytes > ram * near) {
    const over = build.arenaBytes > ram;
    const [most] = build.peak;
    const attack = most ? ` The largest tensor alive at the peak is ${most.name} with ${size(most.bytes)}.` : '';
    problems.push({
      what: 'ram',
      severity: over ? 'warning' : 'information',
      message: `The activations need ${size(build.arenaBytes)}; ${board.name} has ${size(ram)} of RAM beside the stack.${attack}`,
      layer: build.peakLayer,
    });
  }
  if (board.flash !== undefined && build.constantBytes > board.flash * near) {
    const heaviest = build.layers.reduce(
      (best, layer, i) => (layer.constantBytes > (build.layers[best]?.constantBytes ?? -1) ? i : best),
      0,
    );
    const layer = build.layers[heaviest];
    const attack = layer ? ` The heaviest is ${layer.name} with ${size(layer.constantBytes)}.` : '';
    problems.push({
      what: 'flash',
      severity: build.constantBytes > board.flash ? 'warning' : 'information',
      message: `The constants need ${size(build.constantBytes)}; ${board.name} has ${size(board.flash)} of flash.${attack}`,
      layer: heaviest,
    });
  }
  return problems;
}

/** One line on how a program fills a board: `RAM 22.8 KB of 128 KB · flash 52.4 KB of 1 MB`. */
export function fitText(build: BuildResult, board: BoardProfile | undefined): string {
  const of = (bytes: number | undefined): string => (bytes === undefined ? '' : ` of ${size(bytes)}`);
  return `RAM ${size(build.arenaBytes)}${of(board?.ram)} · flash ${size(build.constantBytes)}${of(board?.flash)}`;
}
