/** The schedule spaces of products of two matrices. */
import { lowerFloatMatmul } from './float/matmul.ts';
import type { MatmulProblem } from './matmul-problem.ts';
import { defaultFlags, flagsKnob, log, oneHot, spaceOver, type Fitted } from './space.ts';
import type { Knob, ScheduleConfig } from './task.ts';
import { lowerMatmul } from './templates/matmul.ts';

const num = (config: ScheduleConfig, name: string): number => Number(config[name]);

function blockKnobs(p: MatmulProblem, sizes: readonly number[], unrolls: readonly number[], what: string): Knob[] {
  const within = (most: number): number[] => sizes.filter((s) => s === 1 || s <= most);
  return [
    { name: 'rows', summary: 'Rows of the result whose sums stay in registers.', values: within(p.rows) },
    { name: 'columns', summary: 'Columns of the result whose sums stay in registers.', values: within(p.columns) },
    { name: 'unroll', summary: what, values: unrolls },
    flagsKnob,
  ];
}

function features(p: MatmulProblem, c: ScheduleConfig): readonly number[] {
  const [rows, columns] = [num(c, 'rows'), num(c, 'columns')];
  return [
    log(p.batch), log(p.rows), log(p.columns), log(p.depth), p.a.deep ? 1 : 0, p.b.deep ? 1 : 0,
    rows, columns, rows * columns, log(num(c, 'unroll')), (p.rows % rows) / rows, (p.columns % columns) / columns,
    ...oneHot(flagsKnob, c),
  ]; // prettier-ignore
}

/** The greatest of some sizes that fits, one that leaves nothing over preferred. */
function sizeFor(range: number, sizes: readonly number[]): number {
  return sizes.find((s) => range % s === 0) ?? sizes.find((s) => s <= range) ?? 1;
}

/** The template; undefined for floats without a floating-point unit. */
export function fitMatmul(p: MatmulProblem, dsp: boolean, fpu: boolean): Fitted | undefined {
  if (p.a.dtype === 'float32') return fpu ? fitFloat(p) : undefined;
  const knobs = blockKnobs(p, [1, 2, 3, 4], [1, 2, 4, 8], 'Steps of four products in a turn of the inner loop.');
  const chosen: ScheduleConfig = {
    rows: sizeFor(p.rows, [2]),
    columns: p.rows === 1 ? sizeFor(p.columns, [4, 3, 2]) : Math.min(3, p.columns),
    // Short sums gain less from it than it costs in code.
    unroll: p.depth >= 64 ? 4 : 1,
    flags: dsp ? defaultFlags : '-O2',
  };
  return {
    space: spaceOver(
      'matmul_smlad',
      knobs,
      chosen,
      (c) => num(c, 'rows') * num(c, 'columns') <= 9,
      (c) => features(p, c),
    ),
    lower: (c) => lowerMatmul(p, { rows: num(c, 'rows'), columns: num(c, 'columns'), unroll: num(c, 'unroll'), dsp }),
  };
}

function fitFloat(p: MatmulProblem): Fitted {
  const knobs = blockKnobs(p, [1, 2, 3, 4, 6], [1, 2, 4, 8], 'Products of each sum in a turn of the inner loop.');
  const chosen: ScheduleConfig = {
    rows: sizeFor(p.rows, [4, 3, 2]),
    columns: sizeFor(p.columns, [4, 3, 2]),
    unroll: 4,
    flags: defaultFlags,
  };
  return {
    space: spaceOver(
      'matmul_float_fma',
      knobs,
      chosen,
      (c) => num(c, 'rows') * num(c, 'columns') <= 20,
      (c) => features(p, c),
    ),
    lower: (c) => lowerFloatMatmul(p, { rows: num(c, 'rows'), columns: num(c, 'columns'), unroll: num(c, 'unroll') }),
  };
}
