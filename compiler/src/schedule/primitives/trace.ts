/** Schedules as data: a trace is a list of steps, plain JSON, that replays to the same kernel. */
import { fail, ok, type Result } from '../../base/result.ts';
import type { LoweredKernel } from '../../loops/kernel.ts';
import { verifyKernel } from '../../loops/verify.ts';
import { hoist } from './hoist.ts';
import { loopPrimitives } from './loops.ts';
import { memoryPrimitives } from './memory.ts';
import { collapse, partition } from './partition.ts';
import { withNamedLoops, type Arguments, type ArgumentSpec, type Primitive } from './primitive.ts';
import { tensorise } from './tensorise.ts';

/** All primitives, in the order of the manual page. */
export const primitives: readonly Primitive[] = [
  ...loopPrimitives,
  partition,
  collapse,
  hoist,
  ...memoryPrimitives,
  tensorise,
];

export interface Step {
  readonly primitive: string;
  readonly args: Arguments;
}

export type Trace = readonly Step[];

/** What is wrong with a value for an argument; undefined when it is fine. */
function misfit(spec: ArgumentSpec, value: unknown): string | undefined {
  switch (spec.kind) {
    case 'loop':
    case 'buffer':
      return typeof value === 'string' ? undefined : `the name of a ${spec.kind}`;
    case 'count':
      return Number.isInteger(value) && Number(value) >= 1 ? undefined : 'a whole number from 1 on';
    case 'choice':
      return spec.values?.includes(value as never) === true ? undefined : `one of ${spec.values?.join(', ') ?? ''}`; // any value may be looked for
  }
}

/** The arguments with defaults filled in. */
function completed(primitive: Primitive, args: Arguments): Result<Arguments> {
  const out: Record<string, Arguments[string]> = {};
  for (const spec of primitive.args) {
    const value = args[spec.name] ?? spec.default;
    const wanted = misfit(spec, value);
    if (value === undefined || wanted !== undefined)
      return fail('bad-step', `\`${primitive.name}\` wants ${wanted ?? 'a value'} as \`${spec.name}\`, found ${JSON.stringify(value) ?? 'nothing'}.`); // prettier-ignore
    out[spec.name] = value;
  }
  const unknown = Object.keys(args).find((name) => !primitive.args.some((a) => a.name === name));
  if (unknown !== undefined)
    return fail('bad-step', `\`${primitive.name}\` has no argument \`${unknown}\`.`, `Arguments: ${primitive.args.map((a) => a.name).join(', ')}.`); // prettier-ignore
  return ok(out);
}

/** One step. The result is legal loop IR; a failure (`illegal-step`, `bad-step`, `no-such-loop`) changes nothing. */
export function applyStep(kernel: LoweredKernel, step: Step): Result<LoweredKernel> {
  const primitive = primitives.find((p) => p.name === step.primitive);
  if (!primitive) {
    const names = primitives.map((p) => p.name).join(', ');
    return fail('bad-step', `There is no primitive \`${step.primitive}\`.`, `Primitives: ${names}.`);
  }
  const args = completed(primitive, step.args);
  if (!args.ok) return args;
  const next = primitive.apply(withNamedLoops(kernel), args.value);
  if (!next.ok) return next;
  const named = withNamedLoops(next.value);
  const problems = verifyKernel(named);
  if (problems.length > 0) throw new Error(`${step.primitive} made illegal loops: ${problems.join('; ')}`);
  return ok(named);
}

/** All steps of a trace; a failure names the step that does not fit. */
export function replay(kernel: LoweredKernel, trace: Trace): Result<LoweredKernel> {
  let current = withNamedLoops(kernel);
  for (const [i, step] of trace.entries()) {
    const next = applyStep(current, step);
    if (!next.ok)
      return fail(next.error.code, `Step ${i + 1}, \`${step.primitive}\`: ${next.error.message}`, next.error.remedy);
    current = next.value;
  }
  return ok(current);
}
