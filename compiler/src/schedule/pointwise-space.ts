/** Elementwise functions: what fits the templates, and their space. */
import { evaluateFunction } from '../evaluate/ir.ts';
import type { Func } from '../ir/expr.ts';
import { local } from '../loops/build.ts';
import { computationOf } from '../loops/computation.ts';
import { loadsOf } from '../loops/te-uses.ts';
import { allocateElements, elementCount } from '../tensor/ndarray.ts';
import type { TEExpr, TETensor } from '../tensor/te.ts';
import { withoutReshapes } from './anchored.ts';
import { dtypeOf, shapeOf } from './filter.ts';
import { log, spaceOver, type Fitted } from './space.ts';
import type { Knob, ScheduleConfig } from './task.ts';
import { elementAt, lowerPointwise, lowerTable, type PointwiseProblem } from './templates/pointwise.ts';

/** The function as one of elements at the same place; undefined when it is another. */
export function parsePointwise(func: Func): PointwiseProblem | undefined {
  const body = withoutReshapes(func.body);
  const shape = shapeOf(body);
  if (!body || !shape || func.params.length === 0) return undefined;
  const sameShape = func.params.every((p) => {
    const own = shapeOf(p);
    return own?.length === shape.length && own.every((n, d) => n === shape[d]);
  });
  const outputDtype = dtypeOf(body);
  const narrow = [outputDtype, ...func.params.map(dtypeOf)].some((t) => t === 'float16' || t === 'bfloat16');
  if (!sameShape || narrow || allocateElements(outputDtype, 0) === undefined) return undefined;
  const made = computationOf({ ...func, body });
  const [output, another] = made.ok ? made.value.outputs : [];
  if (!made.ok || !output?.compute || another) return undefined;
  const scalars = new Map<TETensor, number | bigint>();
  for (const [tensor, value] of made.value.constants) {
    const only = value.data[0];
    if (value.data.length === 1 && only !== undefined) scalars.set(tensor, only);
  }
  const length = elementCount(shape);
  const p: PointwiseProblem = { inputs: made.value.inputs, output, outputDtype, length, scalars };
  const values = p.inputs.map((t) => local('v', t.dtype));
  return length > 0 && elementAt(p, values) ? p : undefined;
}

const bytes = new Set(['int8', 'uint8']);

/** Values for each pattern of a byte's bits, by the operators' meaning; undefined when the function is not of one byte. */
function tableOf(func: Func, p: PointwiseProblem): Int8Array | Uint8Array | undefined {
  const [parameter, another] = func.params;
  const [input] = p.inputs;
  if (!parameter || another || !input || !bytes.has(input.dtype) || !bytes.has(p.outputDtype)) return undefined;
  const out = p.outputDtype === 'int8' ? new Int8Array(256) : new Uint8Array(256);
  const module = { functions: new Map([['main', func]]), types: new Map() };
  for (let first = 0; first < 256; first += p.length) {
    const data = input.dtype === 'int8' ? new Int8Array(p.length) : new Uint8Array(p.length);
    for (let i = 0; i < p.length; i++) data[i] = first + i;
    const array = { dtype: input.dtype, shape: input.shape, data };
    const result = evaluateFunction(module, 'main', new Map([[parameter.name, { kind: 'tensor', array }]]));
    if (!result.ok || result.value.kind !== 'tensor') return undefined;
    const values = result.value.array.data;
    for (let i = 0; i < p.length && first + i < 256; i++) out[first + i] = Number(values[i]);
  }
  return out;
}

/** What elements cost: float functions and divisions; scaling and rounding; or a few instructions. */
function costOf(p: PointwiseProblem): 'functions' | 'scaling' | 'cheap' {
  let cost: 'functions' | 'scaling' | 'cheap' = 'cheap';
  const scales = (): void => {
    if (cost === 'cheap') cost = 'scaling';
  };
  const isScalar = (e: TEExpr): boolean => e.kind === 'const' || (e.kind === 'load' && p.scalars.has(e.tensor));
  const visit = (e: TEExpr): void => {
    switch (e.kind) {
      case 'qmulshift':
        scales();
        return visit(e.value);
      case 'unary':
        if (e.op === 'round') scales();
        else if (e.op !== 'neg' && e.op !== 'abs' && e.op !== 'not') cost = 'functions';
        return visit(e.operand);
      case 'binary':
        if (e.op === 'div' && isScalar(e.right)) scales();
        else if (/div|mod|pow|atan/.test(e.op)) cost = 'functions';
        return [e.left, e.right].forEach(visit);
      case 'cast':
      case 'bitcast':
        return visit(e.operand);
      case 'select':
        return [e.condition, e.then, e.otherwise].forEach(visit);
      case 'compare':
        return [e.left, e.right].forEach(visit);
      default:
    }
  };
  for (const t of loadsOf([p.output]).order) if (t.compute) visit(t.compute.body);
  return cost;
}

/** Elements from which on a table is worth its memory for cheap functions too. */
const manyElements = 1024;

/** The templates of an elementwise function. */
export function fitPointwise(func: Func, p: PointwiseProblem): Fitted {
  const tabled = p.inputs.length === 1 && bytes.has(p.inputs[0]?.dtype ?? '') && bytes.has(p.outputDtype);
  const knobs: Knob[] = [
    { name: 'unroll', summary: 'Elements in a turn of the loop.', values: [1, 2, 4, 8] },
    {
      name: 'table',
      summary: 'The 256 values of a function of a byte are looked up, or each is computed.',
      values: tabled ? [true, false] : [false],
    },
    {
      name: 'flags',
      summary: 'Compiler flags of the kernel’s file.',
      values: ['-O2', '-O3', '-O2 -fno-schedule-insns', '-Os'],
    },
  ];
  const cost = costOf(p);
  const table = tabled && (cost !== 'cheap' || p.length >= manyElements);
  // What calls functions gains nothing from being written out.
  const chosen: ScheduleConfig = { unroll: table ? 8 : cost === 'functions' ? 1 : 4, table, flags: '-O2' };
  return {
    space: spaceOver(
      'pointwise_flat',
      knobs,
      chosen,
      () => true,
      (c) => [
        log(p.length),
        p.inputs.length,
        Number(c['unroll']),
        c['table'] === true ? 1 : 0,
        c['flags'] === '-O2' ? 1 : 0,
      ],
    ),
    lower(c) {
      const values = c['table'] === true ? tableOf(func, p) : undefined;
      return values ? lowerTable(p, values, Number(c['unroll'])) : lowerPointwise(p, Number(c['unroll']));
    },
  };
}
