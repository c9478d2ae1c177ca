/** Schedules of kernels that no template fits: knobs that choose steps, each taken wherever it is legal. */
import { tidy } from '../../loops/tidy.ts';
import { affineOf } from '../../loops/affine.ts';
import type { LExpr, LoopVar, Stmt } from '../../loops/ir.ts';
import type { LoweredKernel } from '../../loops/kernel.ts';
import { expressionsOf, operands, substatements } from '../../loops/visit.ts';
import { effectsOf } from './dependence.ts';
import { holdsStretch } from './partition.ts';
import { loopsOf, turnsOf, withNamedLoops, type LocatedLoop, type Loop } from './primitive.ts';
import { applyStep, type Step, type Trace } from './trace.ts';
import type { Knob, ScheduleConfig, ScheduleSpace } from '../task.ts';
import { oneHot } from '../space.ts';

/** In the order in which their steps are taken. */
export const genericKnobs: readonly Knob[] = [
  {
    name: 'flags',
    summary: 'Compiler flags of the kernel’s file.',
    values: ['-O2', '-O3', '-O2 -funroll-loops', '-O2 -fno-schedule-insns', '-Os'],
  },
  {
    name: 'temporaries',
    summary: 'Temporaries are computed whole, or part by part in the loops that read them (`compute_at`).',
    values: ['whole', 'parts'],
  },
  {
    name: 'ranges',
    summary: 'Loops are taken apart where conditions change, and made one where they walk over one stretch of memory (`partition`, `collapse`).',
    values: [false, true],
  },
  { name: 'pack', summary: 'Constants lie in the order in which they are read (`pack`).', values: [false, true] },
  {
    name: 'order',
    summary: 'Innermost loops stand as they are, or change places with the loops around them (`reorder`): all of them, or those over channels that constants belong to.',
    values: ['given', 'swapped', 'channels'],
  },
  { name: 'hoist', summary: 'What does not change in a loop is computed before (`hoist`).', values: [false, true] },
  { name: 'words', summary: 'Bytes are copied, set and multiplied by fours, fixed-point scaling is shortened (`tensorise`).', values: [false, true] },
  { name: 'unroll', summary: 'Turns of innermost loops that are written out (`split`, `unroll`).', values: [1, 2, 4, 8] },
]; // prettier-ignore

const chosen: ScheduleConfig = {
  flags: '-O3',
  temporaries: 'parts',
  ranges: true,
  pack: true,
  order: 'channels',
  hoist: true,
  words: true,
  unroll: 8,
};

/** Most nodes of loop IR that unrolling makes of one loop; a larger body is written out fewer times. */
const mostNodes = 400;

/** Nodes of loop IR up to which loops may be taken apart; a larger kernel may come to twice its size. */
const mostPartedNodes = 600;

/** A configuration with the default for each knob that it does not name: records of earlier versions named fewer. */
function completed(config: ScheduleConfig): ScheduleConfig {
  return { ...chosen, ...config };
}

export const genericSpace: ScheduleSpace = {
  template: 'generic',
  knobs: genericKnobs,
  default: chosen,
  isValid(config) {
    const all = completed(config);
    const known = Object.keys(config).every((name) => genericKnobs.some((k) => k.name === name));
    return known && genericKnobs.every((k) => k.values.some((v) => v === all[k.name]));
  },
  features: (config) => genericKnobs.flatMap((k) => oneHot(k, completed(config))),
};

const innermost = (kernel: LoweredKernel): LocatedLoop[] =>
  loopsOf(kernel.body).filter(({ loop }) => loopsOf(loop.body).length === 0);

const simple = new Set(['neg', 'abs', 'sqrt']);
const functionNodes = 40;

/** A kernel and the steps that led to it. */
interface Scheduled {
  kernel: LoweredKernel;
  readonly trace: Step[];
}

function nodesOf(s: Stmt): number {
  // Functions of floats are code of their own.
  const own = (e: LExpr): number =>
    e.kind === 'unary' && /^float/.test(e.dtype) && !simple.has(e.op) ? functionNodes : 1;
  const nodes = (e: LExpr): number => operands(e).reduce((n, o) => n + nodes(o), own(e));
  return expressionsOf(s).reduce((n, e) => n + nodes(e), 1) + substatements(s).reduce((n, b) => n + nodesOf(b), 0);
}

/** Takes a step if it is legal. */
function attempt(state: Scheduled, primitive: string, args: Step['args']): boolean {
  const step: Step = { primitive, args };
  const next = applyStep(state.kernel, step);
  if (!next.ok) return false;
  state.kernel = next.value;
  state.trace.push(step);
  return true;
}

/** The kernel that a point of the space makes of the loops as lowered, and the steps to it. */
export function scheduleGeneric(
  lowered: LoweredKernel,
  config: ScheduleConfig,
  dsp: boolean,
): { readonly kernel: LoweredKernel; readonly trace: Trace } {
  if (lowered.imperative) return { kernel: lowered, trace: [] };
  const point = completed(config);
  const state: Scheduled = { kernel: withNamedLoops(lowered), trace: [] };
  if (point['temporaries'] === 'parts')
    for (const buffer of lowered.scratch) placeTemporary(state, buffer.name);
  if (point['ranges'] === true) takeRanges(state);
  if (point['pack'] === true)
    for (const { buffer } of lowered.constants) attempt(state, 'pack', { buffer: buffer.name });
  if (point['order'] === 'swapped')
    for (const { around } of innermost(state.kernel)) {
      const outer = around.at(-1);
      if (outer) attempt(state, 'reorder', { loop: outer.variable.name });
    }
  if (point['order'] === 'channels') for (const located of innermost(state.kernel)) takeOutward(state, located);
  // What is scaled by constants of channels leaves more to hoist.
  if (point['words'] === true && dsp)
    for (const { loop } of innermost(state.kernel))
      attempt(state, 'tensorise', { loop: loop.variable.name, instruction: 'high_multiply' });
  if (point['hoist'] === true)
    // From the inside out: what one loop gives away, the next may pass on.
    for (const { loop } of loopsOf(state.kernel.body).reverse()) attempt(state, 'hoist', { loop: loop.variable.name });
  if (point['words'] === true)
    for (const { loop } of innermost(state.kernel)) useWords(state, loop.variable.name, dsp);
  for (const { loop } of innermost(state.kernel)) {
    const { name } = loop.variable;
    let factor = Number(point['unroll']);
    while (factor > 1 && factor * nodesOf(loop.body) > mostNodes) factor /= 2;
    if (factor === 1) continue;
    if ((turnsOf(loop) ?? 0) <= factor) attempt(state, 'unroll', { loop: name });
    else if (attempt(state, 'split', { loop: name, factor })) attempt(state, 'unroll', { loop: `${name}_inner` });
  }
  return { kernel: state.trace.length === 0 ? lowered : { ...state.kernel, body: tidy(state.kernel.body) }, trace: state.trace };
} // prettier-ignore

/** Elements of a channel from which on reading its constants once pays. */
const manyTurns = 8;

/** Whether each turn stores an element of its own and reads something that the loop around does not change. */
function isOverChannels(loop: Loop, outer: Loop): boolean {
  const { loads, stores, assigned } = effectsOf(loop.body);
  const terms = (index: LExpr, variable: LExpr): number => {
    const affine = affineOf(index);
    return affine ? (affine.terms.get(variable as LoopVar) ?? 0) : NaN;
  };
  const ownElements = stores.every((s) => terms(s.index, loop.variable) !== 0 && terms(s.index, outer.variable) !== 0);
  const constants = loads.some((l) => terms(l.index, loop.variable) !== 0 && terms(l.index, outer.variable) === 0);
  return assigned.length === 0 && ownElements && constants;
}

/** Moves a loop over channels out of those around it, which then walk on as one. */
function takeOutward(state: Scheduled, { loop, around }: LocatedLoop): void {
  const inner = [...around].reverse();
  const others = inner.findIndex((outer) => !isOverChannels(loop, outer));
  const same = others < 0 ? inner : inner.slice(0, others);
  if (same.reduce((n, outer) => n * (turnsOf(outer) ?? 0), 1) < manyTurns) return;
  const moved: Loop[] = [];
  for (const outer of same) {
    if (!attempt(state, 'reorder', { loop: outer.variable.name })) break;
    moved.unshift(outer);
  }
  for (const outer of moved.slice(0, -1).reverse()) attempt(state, 'collapse', { loop: outer.variable.name });
}

/** Computes a temporary in the outermost loop that reads it. */
function placeTemporary(state: Scheduled, name: string): void {
  for (const { loop, around } of loopsOf(state.kernel.body)) {
    const reads = around.length === 0 && effectsOf(loop).loads.some((l) => l.buffer.name === name);
    if (reads && attempt(state, 'compute_at', { buffer: name, loop: loop.variable.name })) return;
  }
}

/** Takes loops apart as far as code stays small, then joins those that walk on. */
function takeRanges(state: Scheduled): void {
  const most = Math.max(mostPartedNodes, 2 * nodesOf(state.kernel.body));
  const refused = new Set<string>();
  for (;;) {
    const next = loopsOf(state.kernel.body).find(({ loop }) => !refused.has(loop.variable.name));
    if (!next) break;
    const before = { kernel: state.kernel, steps: state.trace.length };
    const done = attempt(state, 'partition', { loop: next.loop.variable.name });
    if (done && nodesOf(state.kernel.body) <= most) continue;
    state.kernel = before.kernel;
    state.trace.length = before.steps;
    refused.add(next.loop.variable.name);
  }
  const names = loopsOf(state.kernel.body).map(({ loop }) => loop.variable.name);
  for (const name of names.reverse()) {
    // What it holds may have become one loop just now.
    const now = loopsOf(state.kernel.body).find(({ loop }) => loop.variable.name === name);
    if (now && holdsStretch(now.loop)) attempt(state, 'collapse', { loop: name });
  }
}

/** Takes four turns at once where an instruction means them. */
function useWords(state: Scheduled, name: string, dsp: boolean): void {
  const before = { kernel: state.kernel, steps: state.trace.length };
  for (const [factor, instruction] of [[4, 'dot4'], [4, 'copy4'], [4, 'fill4'], [2, 'dot2']] as const) {
    // Without instructions on halves, taking words apart costs more than it saves.
    if (instruction.startsWith('dot') && !dsp) continue;
    if (attempt(state, 'split', { loop: name, factor }) && attempt(state, 'tensorise', { loop: `${name}_inner`, instruction })) return;
    state.kernel = before.kernel;
    state.trace.length = before.steps;
  }
  if (dsp) attempt(state, 'tensorise', { loop: name, instruction: 'high_multiply' });
  attempt(state, 'tensorise', { loop: name, instruction: 'saturate' });
  attempt(state, 'tensorise', { loop: name, instruction: 'max_of_integers' });
  attempt(state, 'tensorise', { loop: name, instruction: 'normal_exp' });
  attempt(state, 'tensorise', { loop: name, instruction: 'quantise' });
} // prettier-ignore
