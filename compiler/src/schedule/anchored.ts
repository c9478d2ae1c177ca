/**
 * Functions around one operator: a template computes that operator's elements, and what the function does to each of
 * them afterwards is taken from the operators' own meaning. So every chain of elementwise operators fuses into every
 * template of this kind.
 */
import { callOperator, operatorName } from '../ir/build.ts';
import { operatorRegistry } from '../operators/registry.ts';
import type { Call, Expr, Func, Var } from '../ir/expr.ts';
import { buffer, ix, local, store } from '../loops/build.ts';
import type { LExpr, Stmt } from '../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { computationOf } from '../loops/computation.ts';
import { elementOf, flat } from '../loops/te-lower.ts';
import { loadsOf } from '../loops/te-uses.ts';
import { tidy } from '../loops/tidy.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { elementCount, type NDArray } from '../tensor/ndarray.ts';
import { placeholder, type TETensor } from '../tensor/te.ts';
import { dtypeOf, shapeOf } from './filter.ts';
import { quantiseFloats } from './quantise-floats.ts';

/** Operators that keep elements where they are. */
const keepsOrder = new Set(['reshape', 'nn.batch_flatten', 'expand_dims', 'squeeze']);

/** An expression without operators that keep the order of elements in memory. */
export function withoutReshapes(e: Expr | undefined): Expr | undefined {
  let at = e;
  while (at?.kind === 'call' && keepsOrder.has(operatorName(at) ?? '') && at.args[0] !== undefined) at = at.args[0];
  return at;
}

/**
 * An expression whose elementwise operators work on the form that their operand had before it was reshaped; elements
 * and their order in memory are the same. `stop`: calls that are not looked behind.
 */
function withoutInnerReshapes(e: Expr, stop: (call: Call) => boolean): Expr {
  if (e.kind !== 'call' || stop(e)) return e;
  const name = operatorName(e) ?? '';
  const [first, ...others] = e.args;
  if (first === undefined) return e;
  const inner = withoutInnerReshapes(first, stop);
  if (keepsOrder.has(name)) return inner;
  const fusion = operatorRegistry.get(name)?.fusion;
  const alone = others.every((o) => elementCount(shapeOf(o) ?? [0, 0]) === 1 && o.kind === 'constant');
  if (inner === first || !alone || (fusion !== 'elementwise' && fusion !== 'broadcast')) return e;
  return callOperator(operatorRegistry, name, [inner, ...others], e.attrs as never);
}

export interface Anchored {
  readonly anchor: Call;
  /** The parameter that the anchor reads first. */
  readonly data: Var;
  readonly func: Func;
  /** Shape of the anchor's result, and of the function's but for its form. */
  readonly shape: readonly number[];
  readonly outputDtype: string;
  /** Whether nothing is done to the anchor's elements. */
  readonly plain: boolean;
  /** Buffers and elements of one kernel. */
  bind(): AnchoredKernel;
}

export interface AnchoredKernel {
  readonly data: Buffer;
  readonly output: Buffer;
  /** Stores the element at the subscripts, `sum` being the anchor's. */
  finish(indices: readonly LExpr[], sum: LExpr): Stmt[];
  /** Inputs in the function's order, outputs, and constants that elements read. */
  readonly buffers: Pick<LoweredKernel, 'inputs' | 'outputs' | 'constants'>;
  /** Where the output may lie upon an input; `lead`: bytes it starts below the anchor's data. */
  overlaps(lead: number | undefined): LoweredKernel['overlaps'];
}

/**
 * The function around its one call that `isAnchor` accepts; undefined when there is another than elementwise work.
 * `dataOf`: the expression that the anchor reads, where a step before it belongs to the template.
 */
export function anchored(
  func: Func,
  isAnchor: (call: Call) => boolean,
  dataOf: (anchor: Call) => Expr | undefined = (anchor) => anchor.args[0],
): Anchored | undefined {
  const body = withoutInnerReshapes(func.body, isAnchor);
  const anchors = callsOf(func.body, isAnchor);
  const [anchor] = anchors;
  if (!anchor || anchors.length !== 1) return undefined;
  const data = withoutReshapes(dataOf(anchor));
  const shape = shapeOf(anchor);
  const last = shapeOf(body);
  if (data?.kind !== 'var' || !func.params.includes(data) || !shape || !last) return undefined;
  if (shape.length !== last.length || shape.some((n, i) => n !== last[i])) return undefined;
  const sum = placeholder('sum', shape, dtypeOf(anchor));
  const rest = computationOf({ ...func, body }, new Map([[anchor, sum]]));
  if (!rest.ok || rest.value.outputs.length !== 1) return undefined;
  const [result] = rest.value.outputs;
  if (!result || func.params.some((p) => shapeOf(p) === undefined)) return undefined;
  const outputDtype = dtypeOf(func.body);
  if (['float16', 'bfloat16', ''].includes(outputDtype)) return undefined;

  const used = tablesOf(result);
  const place = (): AnchoredKernel & { attempt: Attempt } => {
    const inputs = func.params.map((p, i) =>
      buffer(p === data ? 'input' : `other${i}`, dtypeOf(p), elementCount(shapeOf(p) ?? []), align(dtypeOf(p))),
    );
    const output = buffer('output', outputDtype, elementCount(shape), align(outputDtype));
    const buffers = new Map<TETensor, Buffer>();
    rest.value.inputs.forEach((t, i) => buffers.set(t, inputs[i] ?? output));
    const scalars = new Map<TETensor, number | bigint>();
    const constants: { buffer: Buffer; value: NDArray }[] = [];
    const values = new Map(rest.value.constants);
    for (const tensor of used) {
      const value = values.get(tensor) ?? tensor.value;
      const only = value?.data[0];
      if (!value) continue;
      if (value.data.length === 1 && only !== undefined) scalars.set(tensor, only);
      else {
        const made = buffer(`c${constants.length}`, value.dtype, value.data.length, align(value.dtype));
        constants.push({ buffer: made, value });
        buffers.set(tensor, made);
      }
    }
    const attempt: Attempt = (indices, value) => {
      const known = new Map([[sum, value]]);
      const element =
        result === sum ? { statements: [], value } : elementOf(result, indices, { buffers, scalars }, known);
      if (!element) return undefined;
      const stored = store(output, flat(shape, indices), element.value);
      return [quantiseFloats(tidy({ kind: 'block', body: [...element.statements, stored] }))];
    };
    return {
      data: inputs[func.params.indexOf(data)] ?? output,
      output,
      attempt,
      finish(indices, value) {
        const stored = attempt(indices, value);
        if (!stored) throw new Error('an element is not made from the sum at its own place');
        return stored;
      },
      buffers: { inputs, outputs: [output], constants },
      overlaps(lead) {
        const bytes = elementBytes(outputDtype);
        return func.params.flatMap((p, input): LoweredKernel['overlaps'] => {
          const tensor = rest.value.inputs[input];
          if (p === data)
            return lead === undefined || (tensor && used.has(tensor)) ? [] : [{ input, output: 0, leadBytes: lead }];
          const own = shapeOf(p) ?? [];
          const aligned = own.length === shape.length && own.every((n, d) => n === shape[d]);
          return aligned && elementBytes(dtypeOf(p)) === bytes ? [{ input, output: 0, leadBytes: 0, exact: true }] : [];
        });
      },
    };
  };
  // Elements must come from the anchor's at the same subscripts alone.
  const subscripts = shape.map((n, d): LExpr => (n === 1 ? ix(0) : { kind: 'loopvar', name: `i${d}` }));
  if (!place().attempt(subscripts, local('sum', dtypeOf(anchor)))) return undefined;
  return { anchor, data, func, shape, outputDtype, plain: result === sum, bind: place };
}

type Attempt = (indices: readonly LExpr[], sum: LExpr) => Stmt[] | undefined;

const align = (dtype: string): number => (dtype.endsWith('64') ? 8 : 4);

/** Tensors without loops that the elements of one are made from. */
function tablesOf(root: TETensor): Set<TETensor> {
  return new Set(loadsOf([root]).order.filter((t) => !t.compute));
}

function callsOf(root: Expr, wanted: (call: Call) => boolean): Call[] {
  const found: Call[] = [];
  const seen = new Set<Expr>();
  const pending = [root];
  for (let e = pending.pop(); e; e = pending.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    if (e.kind === 'call') {
      if (wanted(e)) found.push(e);
      pending.push(...e.args);
    } else if (e.kind === 'let') pending.push(e.value, e.body);
    else if (e.kind === 'tuple') pending.push(...e.fields);
    else if (e.kind === 'get') pending.push(e.tuple);
  }
  return found;
}
