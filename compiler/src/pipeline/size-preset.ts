/** Choices for small code instead of fast code. */
import type { Result } from '../base/result.ts';
import type { LExpr, Stmt } from '../loops/ir.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import { expressionsOf, operands, substatements } from '../loops/visit.ts';
import type { ScheduleConfig, ScheduleSpace } from '../schedule/task.ts';
import { elementBytes } from '../tensor/dtype.ts';

/** Knobs that trade code for speed; the others decide about scratch memory and number formats. */
const sizeKnobs: readonly string[] = ['unroll', 'pixels', 'channels', 'tables', 'words'];

/** Bytes of Thumb-2 code that a node of the loop IR comes to, roughly. */
const bytesPerNode = 3;

/**
 * The configuration of the least code and constants that is reached from the heuristic's by changing one knob at a
 * time. Blocks keep half of their sums at least: smaller ones double the time for a few hundred bytes.
 */
export function smallestConfig(
  space: ScheduleSpace,
  lower: (config: ScheduleConfig) => Result<LoweredKernel>,
): ScheduleConfig {
  const weight = (config: ScheduleConfig): number => {
    const kernel = space.isValid(config) ? lower(config) : undefined;
    return kernel?.ok === true ? flashBytes(kernel.value) : Infinity;
  };
  // Flags that are a value of the space make a point of it, which can be measured and recorded.
  const flags = space.knobs.find((k) => k.name === 'flags')?.values.find((v) => String(v).startsWith('-Os'));
  let best: ScheduleConfig = flags === undefined ? space.default : { ...space.default, flags };
  if (!space.isValid(best)) best = space.default;
  let least = weight(best);
  for (const name of sizeKnobs) {
    const knob = space.knobs.find((k) => k.name === name);
    if (knob === undefined) continue;
    for (const value of knob.values) {
      const config = { ...best, [name]: value };
      if (2 * sums(config) < sums(space.default)) continue;
      const bytes = weight(config);
      if (bytes < least) [best, least] = [config, bytes];
    }
  }
  return best;
}

function sums(config: ScheduleConfig): number {
  return Number(config['channels'] ?? 1) * Number(config['pixels'] ?? 1);
}

/** Flags for small code in the place of the schedule's own. */
export function sizeFlags(flags: readonly string[]): readonly string[] {
  return ['-Os', ...flags.filter((f) => !/^-O/.test(f) && f !== '-funroll-loops')];
}

/** Bytes of code and constants of a kernel, roughly; fit for comparing schedules of one kernel. */
export function flashBytes(kernel: LoweredKernel): number {
  const constants = kernel.constants.reduce((n, c) => n + c.buffer.length * elementBytes(c.buffer.dtype), 0);
  return constants + bytesPerNode * statementNodes(kernel.body);
}

function statementNodes(s: Stmt): number {
  let nodes = 1;
  for (const e of expressionsOf(s)) nodes += expressionNodes(e);
  for (const inner of substatements(s)) nodes += statementNodes(inner);
  // An unrolled loop stands as often as it runs.
  return s.kind === 'for' && s.unroll && s.extent.kind === 'const'
    ? nodes * Math.max(1, Number(s.extent.value))
    : nodes;
}

/** Nodes that a function of floats comes to, whose code stands wherever it is called; less where its ends are not asked. */
const functionNodes = 24;

const ownCode = new Set(['exp', 'sigmoid', 'round', 'floor', 'ceil', 'trunc']);

function expressionNodes(e: LExpr): number {
  let nodes = 1;
  if (e.kind === 'unary' && e.dtype === 'float32' && ownCode.has(e.op)) nodes += functionNodes / (e.normal ? 2 : 1);
  for (const inner of operands(e)) nodes += expressionNodes(inner);
  return nodes;
}
