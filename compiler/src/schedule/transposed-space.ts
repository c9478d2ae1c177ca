/** Quantised transposed convolution: what fits the template, and its space. */
import type { Func, Var } from '../ir/expr.ts';
import { add, block, buffer, mul } from '../loops/build.ts';
import type { Buffer } from '../loops/kernel.ts';
import { chain, nameOf, operandsOf, parseSteps, problemOf } from './parse.ts';
import { convMacs, settleConstantChannels, type ConvProblem } from './problem.ts';
import {
  defaultFlags,
  flagsKnob,
  inParameterOrder,
  log,
  oneHot,
  scalingKnob,
  spaceOver,
  type Fitted,
} from './space.ts';
import type { Knob, ScheduleConfig } from './task.ts';
import { lowerConv, type ConvConfig, type Interleaving } from './templates/conv.ts';
import type { Packing } from './templates/dot.ts';
import { compactBase, highLegal, packingLegal, readsBytes } from './templates/legality.ts';
import type { KernelParts } from './templates/parts.ts';
import { partsOf, type TransposedPart } from './transposed.ts';

interface Part {
  readonly problem: ConvProblem;
  readonly place: TransposedPart;
}

/** A transposed convolution as interleaved convolutions. */
export interface ParsedTransposed {
  readonly parts: readonly Part[];
  readonly outH: number;
  readonly outW: number;
  readonly step: number;
  readonly input: Var;
  readonly residual: Var | undefined;
}

/** A transposed convolution of bytes with constant weights, bias, requantisation, bounds and at most one residual. */
export function parseQuantisedTransposed(func: Func): ParsedTransposed | undefined {
  const found = chain(func, (c) => nameOf(c) === 'qnn.conv2d_transpose');
  const operands = found && operandsOf(found.base, found.base.args[0], func);
  const made = found && partsOf(found.base);
  const outC = made?.parts[0]?.filter.outC ?? 0;
  const sums = found && parseSteps(found.steps, func, outC);
  if (!made || !operands || !sums || sums.residual === operands.data) return undefined;
  const parts: Part[] = [];
  for (const place of made.parts) {
    const { channelsLast, padTop, padLeft } = place.filter;
    const problem = channelsLast && padTop >= 0 && padLeft >= 0 ? problemOf(place.filter, operands, sums) : undefined;
    if (!problem) return undefined;
    parts.push({ problem: settleConstantChannels(problem), place });
  }
  const { outH, outW, step } = made;
  return { parts, outH, outW, step, input: operands.data, residual: sums.residual };
}

const num = (config: ScheduleConfig, name: string): number => Number(config[name]);

/** The template; undefined when the function has parameters it does not read, or weights need instructions on halves. */
export function fitQuantisedTransposed(parsed: ParsedTransposed, func: Func, dsp: boolean): Fitted | undefined {
  const variables = [parsed.input, ...(parsed.residual ? [parsed.residual] : [])];
  if (func.params.length !== variables.length || func.params.some((p) => !variables.includes(p))) return undefined;
  const problems = parsed.parts.map((p) => p.problem);
  const bytes = problems.every((p) => p.weights instanceof Int8Array);
  if (!dsp && !bytes) return undefined;
  const [first] = problems;
  if (!first) return undefined;
  const all = (legal: (p: ConvProblem) => boolean): boolean => problems.every(legal);
  const packings: readonly Packing[] = !dsp
    ? ['plain']
    : !bytes
      ? ['half']
      : all((p) => packingLegal(p, 'dual'))
        ? ['dual', 'single']
        : ['single'];
  const high = packings.filter((packing) => all((p) => highLegal(p, packing)));
  const compact = high.filter((packing) => all((p) => compactBase(p, packing) !== undefined));
  const perGroup = first.outC / first.groups;
  const width = Math.max(...problems.map((p) => p.outW));
  const knobs: Knob[] = [
    {
      name: 'channels',
      summary: 'Output channels whose sums stay in registers.',
      values: [1, 2, 3, 4, 6].filter((c) => c <= perGroup),
    },
    {
      name: 'pixels',
      summary: 'Output pixels of a part whose sums stay in registers.',
      values: [1, 2, 3, 4].filter((x) => x <= width),
    },
    {
      name: 'unroll',
      summary: 'Steps of four taps in a turn of the inner loop; 0: all of them.',
      values: [1, 2, 4, 8, 0],
    },
    { name: 'packing', summary: 'How weights lie in words.', values: packings },
    {
      name: 'requantize',
      summary:
        'Scaling by the upper half of a product, with the shift beside the start of the sum or apart; or by 64 bits.',
      values: [...(compact.length > 0 ? ['compact'] : []), ...(high.length > 0 ? ['high'] : []), 'wide'],
    },
    flagsKnob,
  ];
  const longest = Math.max(...problems.map((p) => (p.kW * p.inC) / p.groups));
  const fours = Math.floor(longest / 4);
  const valid = (c: ScheduleConfig): boolean => {
    const sums = num(c, 'channels') * num(c, 'pixels');
    const unroll = num(c, 'unroll');
    if (sums > 12 || (unroll === 0 ? fours * sums > 512 : unroll > 1 && unroll >= Math.max(2, fours))) return false;
    const exact = c['requantize'] === 'compact' ? compact : high;
    return c['requantize'] === 'wide' || exact.includes(c['packing'] as Packing);
  };
  const packing = packings.find((p) => high.includes(p)) ?? packings[0] ?? 'single';
  const chosen: ScheduleConfig = {
    channels: dsp ? Math.min(2, perGroup) : ([4, 3, 2].find((x) => x <= perGroup) ?? 1),
    pixels: dsp ? defaultPixels(width) : Math.min(2, width),
    unroll: fours <= 4 ? 0 : 4,
    packing,
    requantize: compact.includes(packing) ? 'compact' : high.includes(packing) ? 'high' : 'wide',
    flags: dsp ? defaultFlags : '-O2',
  };
  const features = (c: ScheduleConfig): readonly number[] => [
    log(width), log(first.outH), log(first.outC), log(first.inC), log(problems.length), log(fours), log(first.groups),
    num(c, 'channels'), num(c, 'pixels'), num(c, 'channels') * num(c, 'pixels'), log(num(c, 'unroll')),
    (width % num(c, 'pixels')) / num(c, 'pixels'), c['packing'] === 'dual' ? 1 : 0,
    ...oneHot(scalingKnob, c), ...oneHot(flagsKnob, c),
  ]; // prettier-ignore
  return {
    space: spaceOver('conv2d_transpose_smlad', knobs, chosen, valid, features),
    lower(c) {
      const parts = lowerInterleaved(parsed, c, dsp);
      return inParameterOrder(parts, func, variables) ?? parts;
    },
  };
}

/** Three pixels beside two channels, where they go into the width; else what does. */
function defaultPixels(width: number): number {
  return [3, 4, 2].find((x) => width % x === 0) ?? Math.min(3, width);
}

function configFor(p: ConvProblem, c: ScheduleConfig, dsp: boolean): ConvConfig {
  return {
    channels: num(c, 'channels'),
    pixels: num(c, 'pixels'),
    unroll: num(c, 'unroll'),
    packing: c['packing'] as Packing,
    requantize: c['requantize'] as ConvConfig['requantize'],
    strip: 0,
    bytes: !dsp && readsBytes(p, dsp),
    tables: false,
  };
}

/** The parts one after the other, over buffers that they share. */
function lowerInterleaved(parsed: ParsedTransposed, c: ScheduleConfig, dsp: boolean): KernelParts {
  const { outH, outW, step } = parsed;
  const alone = parsed.parts.map(({ problem }) => lowerConv(problem, configFor(problem, c, dsp)));
  const longest = Math.max(0, ...alone.flatMap((a) => a.scratch.map((s) => s.length)));
  const rows = buffer('rows', 'int16', longest);
  const [first] = parsed.parts;
  if (!first) throw new Error('a template without parts');
  const p = first.problem;
  const output = buffer('output', (p.epilogue.residual ?? p.epilogue).dtype, p.batch * outH * outW * p.outC);
  const input = buffer('input', p.inputDtype, p.batch * p.inH * p.inW * p.inC);
  const residual = p.epilogue.residual;
  const other: Buffer | undefined = residual && buffer('residual', residual.other.dtype, output.length);
  const lowered = parsed.parts.map(({ problem, place }, i) => {
    const among: Interleaving = {
      input,
      output,
      other,
      rows,
      weightsName: `weights${i}`,
      step,
      pixel: (n, y, x) => add(mul(add(mul(n, outH), place.row(y)), outW), place.column(x)),
    };
    return lowerConv(problem, configFor(problem, c, dsp), { among });
  });
  return {
    inputs: other ? [input, other] : [input],
    outputs: [output],
    constants: lowered.flatMap((l) => l.constants),
    scratch: longest > 0 ? [rows] : [],
    body: block(lowered.map((l): typeof l.body => ({ kind: 'block', body: [l.body] }))),
    // An element of the residual is read just before its place is written.
    overlaps: other ? [{ input: 1, output: 0, leadBytes: 0, exact: true }] : [],
    macs: parsed.parts.reduce((n, part) => n + convMacs(part.problem), 0),
  };
}
