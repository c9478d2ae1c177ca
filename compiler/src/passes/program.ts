/** A program after fusion: kernel calls in order over named tensors. */
import { func, project, tuple, variable } from '../ir/build.ts';
import type { Expr, Func, IRModule, Origin, Var } from '../ir/expr.ts';
import type { FusedFunction } from '../schedule/task.ts';
import type { DType } from '../tensor/dtype.ts';
import { tensorType } from '../types/type.ts';
import type { PassNote } from './pass.ts';

/** A tensor of a fused program; identity is the object. */
export interface ProgramValue {
  /** Unique in the program; made from source names where there are any. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly origin: Origin;
  /** Set when the tensor is another one's memory under another shape. */
  readonly viewOf?: ProgramValue;
}

export interface KernelStep {
  readonly fused: FusedFunction;
  /** One for each parameter of `fused.func`. */
  readonly args: readonly ProgramValue[];
  readonly results: readonly ProgramValue[];
}

/** Two neighbours that stayed apart, and why. */
export interface FusionBarrier extends PassNote {
  readonly producer: string;
  readonly consumer: string;
}

export interface FusedProgram {
  readonly name: string;
  readonly inputs: readonly ProgramValue[];
  readonly outputs: readonly ProgramValue[];
  /** In an order in which every argument is computed before it is used. */
  readonly kernels: readonly KernelStep[];
  /** All tensors: inputs, results, views. */
  readonly values: readonly ProgramValue[];
  readonly barriers: readonly FusionBarrier[];
}

/** The tensor whose memory `value` is. */
export function storageOf(value: ProgramValue): ProgramValue {
  let at = value;
  while (at.viewOf !== undefined) at = at.viewOf;
  return at;
}

/** The program as a module: `main` calls one primitive function a kernel. */
export function programModule(program: FusedProgram): IRModule {
  const expressions = new Map<ProgramValue, Expr>();
  const functions = new Map<string, Func>();
  const params = program.inputs.map((input): Var => {
    const v = variable(input.name, tensorType(input.shape, input.dtype), input.origin);
    expressions.set(input, v);
    return v;
  });
  const view = (value: ProgramValue): Expr => {
    const known = expressions.get(value);
    if (known !== undefined) return known;
    if (value.viewOf === undefined) throw new Error(`${value.name} is computed by no kernel`);
    const source = view(value.viewOf);
    const type = tensorType(value.shape, value.dtype);
    const e: Expr = {
      kind: 'call',
      callee: {
        kind: 'op',
        name: 'reshape',
        type: { kind: 'func', params: [source.type], ret: type, typeParams: [] },
        origin: value.origin,
      },
      args: [source],
      attrs: { newshape: [...value.shape], allowzero: false },
      type,
      origin: value.origin,
    };
    expressions.set(value, e);
    return e;
  };
  for (const step of program.kernels) {
    const { fused } = step;
    functions.set(fused.name, fused.func);
    const callee: Expr = { kind: 'global', name: fused.name, type: fused.func.type, origin: fused.func.origin };
    const call: Expr = {
      kind: 'call',
      callee,
      args: step.args.map(view),
      attrs: {},
      type: fused.func.type.ret,
      origin: fused.func.origin,
    };
    step.results.forEach((result, i) => expressions.set(result, call.type.kind === 'tuple' ? project(call, i) : call));
  }
  const outputs = program.outputs.map(view);
  const [only] = outputs;
  const body = outputs.length === 1 && only !== undefined ? only : tuple(outputs);
  functions.set('main', func(params, body));
  return { functions, types: new Map() };
}
