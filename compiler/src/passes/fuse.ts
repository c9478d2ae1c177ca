/** Fusion: a straight-line program to kernels over tensors. */
import { ok } from '../base/result.ts';
import { callOperator, func, joinOrigins, operatorName, project, tuple, variable } from '../ir/build.ts';
import type { Call, Expr, Func, IRModule, Var } from '../ir/expr.ts';
import { childrenOf, postOrder, withChildren } from '../ir/visit.ts';
import type { FusedFunction } from '../schedule/task.ts';
import { printType } from '../types/print.ts';
import { staticShape } from '../types/type.ts';
import type { DataflowNode } from './dataflow.ts';
import { groupCalls, isView } from './fuse-groups.ts';
import type { FusionGroup, Grouping } from './fuse-groups.ts';
import { refuse } from './failure.ts';
import type { CompileResult } from './failure.ts';
import { hasControl, straightLine } from './partial-evaluation.ts';
import type { PartialContext } from './partial-evaluation.ts';
import { explainBranch } from './select-branches.ts';
import type { PassContext } from './pass.ts';
import type { FusedProgram, FusionBarrier, KernelStep, ProgramValue } from './program.ts';

export { refuse } from './failure.ts';
export type { CompileFailure, CompileResult } from './failure.ts';

/**
 * Fuses function `name` of a simplified module. Fails for what has no straight-line form: branches, recursion,
 * closures, references, data types, shapes that depend on values.
 */
export function fuse(module: IRModule, context: PartialContext, name = 'main'): CompileResult<FusedProgram> {
  const f = module.functions.get(name);
  if (f === undefined) return refuse([], 'no-function', `The program has no function @${name}.`, `Define @${name}.`);
  const problem = firstProblem(module, name, f, context);
  if (problem !== undefined) return problem;
  return ok(new ProgramBuilder(name, f, groupCalls(f.body, context.operators), context).build());
}

/** Why a function has no straight-line form. */
function explainControl(module: IRModule, name: string, context: PartialContext): CompileResult<never> | undefined {
  const resolved = straightLine(module, name, context);
  if (!resolved.ok) return resolved;
  return explainBranch(resolved.value, context.operators);
}

function firstProblem(
  module: IRModule,
  name: string,
  f: Func,
  context: PartialContext,
): CompileResult<never> | undefined {
  for (const p of f.params)
    if (p.type.kind !== 'tensor' || staticShape(p.type) === undefined)
      return refuse(
        p.origin,
        'not-compilable',
        `Parameter %${p.name} is ${printType(p.type)}; a compiled program takes tensors of fixed shape.`,
        'Declare the shape with numbers.',
      );
  if (hasControl(f)) return explainControl(module, name, context);
  for (const e of postOrder(f.body)) {
    if (e.kind === 'var' && !f.params.includes(e))
      return refuse(e.origin, 'not-compilable', `%${e.name} is not bound in the function.`);
    const parts = e.kind === 'call' && e.type.kind === 'tuple' ? e.type.fields : [e.type];
    if (e.kind !== 'call') continue;
    for (const type of parts)
      if (type.kind !== 'tensor' || staticShape(type) === undefined)
        return refuse(
          e.origin,
          'not-compilable',
          `The result of \`${operatorName(e) ?? 'the call'}\` is ${printType(e.type)}; compiled code needs fixed shapes.`,
          sizesFrom(e, context) ?? 'Give the inputs fixed shapes.',
        );
  }
  return undefined;
}

/** What to do about sizes that are arguments and known in a run alone. */
function sizesFrom(e: Call, context: PartialContext): string | undefined {
  const operator = context.operators.get(operatorName(e) ?? '');
  const unknown = operator?.asStatic?.known.filter((i) => e.args[i]?.kind !== 'constant') ?? [];
  const names = unknown.flatMap((i) => (operator?.inputs[i] ? [`\`${operator.inputs[i].name}\``] : []));
  if (names.length === 0) return undefined;
  const they = names.length === 1 ? 'it decides' : 'they decide';
  return `Give ${names.join(' and ')} as ${names.length === 1 ? 'a constant' : 'constants'}, or compute from shapes alone, because ${they} the size of the result.`;
}

class ProgramBuilder {
  private readonly name: string;
  private readonly f: Func;
  private readonly grouping: Grouping;
  private readonly context: Pick<PassContext, 'operators'>;
  private readonly values: ProgramValue[] = [];
  private readonly taken = new Set<string>();
  /** The tensor of each expression that leaves a kernel: calls, projections, parameters. */
  private readonly valueOf = new Map<Expr, ProgramValue>();
  /** Results of a call with several, by position. */
  private readonly resultsOf = new Map<Call, readonly ProgramValue[]>();
  private readonly kernels: KernelStep[] = [];
  private readonly outputNames = new Map<Expr, string>();

  constructor(name: string, f: Func, grouping: Grouping, context: Pick<PassContext, 'operators'>) {
    this.name = name;
    this.f = f;
    this.grouping = grouping;
    this.context = context;
  }

  build(): FusedProgram {
    const inputs = this.f.params.map((p) => {
      const value = this.newValue(p.name, p);
      this.valueOf.set(p, value);
      return value;
    });
    const names = this.f.attrs['output_tensor_names'];
    const outputs = this.flat(this.f.body);
    outputs.forEach((e, i) => {
      const given: unknown = Array.isArray(names) ? names[i] : undefined;
      const fallback = outputs.length === 1 ? 'output' : `output_${i}`;
      this.outputNames.set(e, typeof given === 'string' && given !== '' ? given : fallback);
    });
    const last = new Map<FusionGroup, DataflowNode>();
    for (const node of this.grouping.nodes) {
      const group = this.grouping.groupOf.get(node);
      if (group !== undefined) last.set(group, node);
    }
    // A group runs where its last call stands: all that it reads is computed by then.
    for (const node of this.grouping.nodes) {
      const group = this.grouping.groupOf.get(node);
      if (group === undefined || last.get(group) !== node) continue;
      if (isView(node.call)) this.addView(node.call);
      else this.addKernel(group, node);
    }
    const results = outputs.map((e) => this.external(e));
    return {
      name: this.name,
      inputs,
      outputs: results,
      kernels: this.kernels,
      values: this.values,
      barriers: this.barriers(),
    };
  }

  private flat(e: Expr): readonly Expr[] {
    if (e.kind === 'tuple') return e.fields.flatMap((f) => this.flat(f));
    if (e.type.kind !== 'tuple') return [e];
    return e.type.fields.flatMap((_, i) => this.flat(project(e, i)));
  }

  private newValue(hint: string, e: Expr, viewOf?: ProgramValue): ProgramValue {
    const shape = e.type.kind === 'tensor' ? staticShape(e.type) : undefined;
    if (e.type.kind !== 'tensor' || shape === undefined) throw new Error('a tensor of fixed shape was expected');
    let name = hint;
    for (let i = 1; this.taken.has(name); i++) name = `${hint}_${i}`;
    this.taken.add(name);
    const base = { name, shape, dtype: e.type.dtype, origin: e.origin };
    const value: ProgramValue = viewOf === undefined ? base : { ...base, viewOf };
    this.values.push(value);
    return value;
  }

  /** The tensor that holds `e` outside of kernels; a constant is copied by a kernel of its own. */
  private external(e: Expr): ProgramValue {
    if (e.kind === 'get' && e.tuple.kind === 'tuple') {
      const field = e.tuple.fields[e.index];
      if (field !== undefined) return this.external(field);
    }
    if (e.kind === 'get' && e.tuple.kind === 'call') {
      const result = this.resultsOf.get(e.tuple)?.[e.index];
      if (result !== undefined) return result;
    }
    const known = this.valueOf.get(e);
    if (known !== undefined) return known;
    if (e.kind !== 'constant') throw new Error(`no tensor holds this ${e.kind}`);
    const copy = callOperator(this.context.operators, 'copy', [e], {}, e.origin);
    const value = this.newValue(e.name ?? 'constant', e);
    this.valueOf.set(e, value);
    const fused = {
      name: this.kernelName([copy], undefined),
      func: func([], copy, { Primitive: 1 }, e.origin),
      anchor: undefined,
    };
    this.kernels.push({ fused, args: [], results: [value] });
    return value;
  }

  private addView(call: Call): void {
    const source = call.args[0];
    if (source === undefined) throw new Error('a reshape of nothing');
    const base = this.external(source);
    this.valueOf.set(call, this.newValue(this.outputNames.get(call) ?? `${base.name}_view`, call, base));
  }

  private addKernel(group: FusionGroup, last: DataflowNode): void {
    const inside = new Set<Expr>([...group.nodes].map((n) => n.call));
    const params: Var[] = [];
    const args: ProgramValue[] = [];
    const done = new Map<Expr, Expr>();
    const parameter = (e: Expr): Expr => {
      const value = this.external(e);
      const known = args.indexOf(value);
      const before = params[known];
      if (known >= 0 && before !== undefined) return before;
      const v = variable(`p${params.length}`, e.type, e.origin);
      params.push(v);
      args.push(value);
      return v;
    };
    // Members in topological order, so that every operand inside is rebuilt before its user.
    const rebuild = (e: Expr): Expr => {
      const ready = done.get(e);
      if (ready !== undefined) return ready;
      let result: Expr;
      if (e.kind === 'constant' || e.kind === 'op') result = e;
      else if (e.kind === 'tuple') result = withChildren(e, e.fields.map(rebuild));
      else if (e.kind === 'call' && inside.has(e)) result = withChildren(e, childrenOf(e).map(rebuild));
      else if (e.type.kind === 'tuple') result = tuple(e.type.fields.map((_, i) => rebuild(project(e, i))));
      else result = parameter(e);
      done.set(e, result);
      return result;
    };
    const members = [...group.nodes].sort((a, b) => a.index - b.index);
    for (const member of members) rebuild(member.call);
    const body = rebuild(last.call);
    const calls = members.map((m) => m.call);
    const origin = joinOrigins(...calls.map((c) => c.origin));
    const rebuiltAnchor = group.anchor === undefined ? undefined : done.get(group.anchor.call);
    const fused: FusedFunction = {
      name: this.kernelName(calls, group.anchor?.call),
      func: func(params, body, { Primitive: 1 }, origin),
      anchor: rebuiltAnchor?.kind === 'call' ? rebuiltAnchor : undefined,
    };
    const call = last.call;
    let results: readonly ProgramValue[];
    if (call.type.kind === 'tuple') {
      results = call.type.fields.map((_, i) => this.newValue(`t${this.kernels.length}_${i}`, project(call, i)));
      this.resultsOf.set(call, results);
    } else {
      const value = this.newValue(this.outputNames.get(call) ?? `t${this.kernels.length}`, call);
      this.valueOf.set(call, value);
      results = [value];
    }
    this.kernels.push({ fused, args, results });
  }

  private kernelName(calls: readonly Call[], anchor: Call | undefined): string {
    const named = anchor === undefined ? calls.slice(0, 3) : [anchor];
    const stem = named.map((c) => (operatorName(c) ?? 'call').replace(/[^A-Za-z0-9]+/g, '_')).join('_');
    return `fused_${stem}_${this.kernels.length}`;
  }

  private barriers(): readonly FusionBarrier[] {
    const found: FusionBarrier[] = [];
    for (const node of this.grouping.nodes)
      for (const consumer of node.consumers) {
        if (this.grouping.groupOf.get(node) === this.grouping.groupOf.get(consumer)) continue;
        if (isView(node.call) || isView(consumer.call)) continue;
        const producerName = operatorName(node.call) ?? 'call';
        const consumerName = operatorName(consumer.call) ?? 'call';
        const reason = this.grouping.reasons.get(node) ?? `${consumerName} starts a kernel of its own`;
        found.push({
          producer: producerName,
          consumer: consumerName,
          message: `\`${consumerName}\` was not fused with \`${producerName}\`: ${reason}.`,
          origin: joinOrigins(node.call.origin, consumer.call.origin),
        });
      }
    return found;
  }
}
