/**
 * Quantised depthwise convolution: one channel's plane is gathered as int16 with its padding, then a few neighbouring
 * outputs at a time take two taps an instruction where a pair of taps meets an aligned pair of inputs. Because a channel
 * is read whole before its output is written, input and output may share their memory.
 */
import {
  add, advance, bin, block, buffer, cast, declare, deref, i32, intr, ix, local, loop, mul, point, pointer, storeVia, sub,
} from '../../loops/build.ts'; // prettier-ignore
import type { LExpr, Local, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { convMacs, sumRange, type ConvProblem } from '../problem.ts';
import { highMultiply, scaleWide, shiftBy } from '../requantize.ts';
import { finish, liftBounds } from './epilogue.ts';
import { residualBuffer, rowScalars, rowsRead, type KernelParts, type Making, type RowRange, type Scaling, type Tail } from './parts.ts'; // prettier-ignore
import { outputBlock, pairsOf } from './plane-dot.ts';
import { fill, moveDown } from './rows.ts';

export interface DepthwiseConfig {
  /** Neighbouring outputs computed together. */
  readonly pixels: number;
  /** All blocks of a row are written out, one behind the other, without a loop. */
  readonly straight: boolean;
  /** Output rows of which the plane holds the inputs at one time; 0: all, which is fastest. */
  readonly rows: number;
  /** As for other convolutions; `compact` keeps the shift in the low byte of the bias. */
  readonly requantize: Scaling;
  /** Taps go one by one: for processors without instructions on halves. */
  readonly plain: boolean;
}

export function depthwiseHighLegal(p: ConvProblem): boolean {
  for (let c = 0; c < p.outC; c++) if (!scaleOf(p, c)) return false;
  return true;
}

/** Whether every bias leaves a byte of its word for the shift. */
export function depthwiseCompactLegal(p: ConvProblem): boolean {
  return depthwiseHighLegal(p) && p.bias.every((b) => b >= -(2 ** 23) && b < 2 ** 23);
}

function factors(p: ConvProblem, c: number): { readonly multiplier: number; readonly shift: number } {
  const e = p.epilogue;
  const at = e.multiplier.length === 1 ? 0 : c;
  return { multiplier: e.multiplier[at] ?? 0, shift: e.shift[at] ?? 0 };
}

function scaleOf(p: ConvProblem, c: number): ReturnType<typeof highMultiply> {
  const { multiplier, shift } = factors(p, c);
  return highMultiply(multiplier, shift, p.epilogue.zeroPoint, sumRange(p, c));
}

/** The columns and rows of an image that a plane holds, when some are never read. */
interface View {
  /** The problem on those alone. */
  readonly problem: ConvProblem;
  /** Elements of the image from one to the next. */
  readonly columnStep: number;
  readonly rowStep: number;
  /** Element of the first. */
  readonly origin: number;
}

function wholeView(p: ConvProblem): View {
  return { problem: p, columnStep: p.inC, rowStep: p.inW * p.inC, origin: 0 };
}

/** The greatest step that divides all distances between the elements that one dimension's windows read. */
function commonStep(outputs: number, stride: number, taps: number, dilation: number): number {
  let [a, b] = [outputs > 1 ? stride : 0, taps > 1 ? dilation : 0];
  while (b !== 0) [a, b] = [b, a % b];
  return Math.max(1, a);
}

/** Strides and dilations with a common divisor leave out columns or rows: the plane holds the others alone. */
function sparseView(p: ConvProblem): View {
  const [stepH, stepW] = [
    commonStep(p.outH, p.strideH, p.kH, p.dilationH),
    commonStep(p.outW, p.strideW, p.kW, p.dilationW),
  ];
  if (stepH === 1 && stepW === 1) return wholeView(p);
  const [top, left] = [Math.ceil(p.padTop / stepH), Math.ceil(p.padLeft / stepW)];
  const [firstRow, firstColumn] = [top * stepH - p.padTop, left * stepW - p.padLeft];
  const divided = (value: number, step: number): number => Math.max(1, Math.floor(value / step));
  return {
    problem: {
      ...p,
      inH: Math.max(0, Math.ceil((p.inH - firstRow) / stepH)),
      inW: Math.max(0, Math.ceil((p.inW - firstColumn) / stepW)),
      strideH: divided(p.strideH, stepH),
      strideW: divided(p.strideW, stepW),
      dilationH: divided(p.dilationH, stepH),
      dilationW: divided(p.dilationW, stepW),
      padTop: top,
      padLeft: left,
    },
    columnStep: stepW * p.inC,
    rowStep: stepH * p.inW * p.inC,
    origin: (firstRow * p.inW + firstColumn) * p.inC,
  };
}

interface Plan {
  /** On the columns and rows that the plane holds. */
  readonly p: ConvProblem;
  readonly view: View;
  readonly config: DepthwiseConfig;
  readonly pixels: number;
  readonly pairs: readonly number[];
  readonly planeW: number;
  readonly planeH: number;
  /** Columns of the image that a row of the plane holds. */
  readonly columns: number;
  /** Output rows a turn; all of them, or `planeH` is that of a part. */
  readonly rows: number;
  readonly input: Buffer;
  readonly output: Buffer;
  readonly other: Buffer | undefined;
  readonly plane: Buffer;
  readonly range: RowRange | undefined;
  readonly tail: Tail | undefined;
}

/** The kernel of a depthwise problem (`groups` = input channels; any multiplier of channels). */
export function lowerDepthwise(problem: ConvProblem, config: DepthwiseConfig, making: Making = {}): KernelParts {
  const { same = false, range, tail } = making;
  const image = config.plain ? problem : liftBounds(problem, config.requantize, depthwiseHighLegal);
  const rows = range?.most ?? (config.rows === 0 ? image.outH : Math.min(config.rows, image.outH));
  const whole = rows === image.outH && range === undefined;
  const view = whole ? sparseView(image) : wholeView(image);
  const p = view.problem;
  // A stride that is odd alternates between even and odd places: blocks then start at even ones.
  const wanted = Math.min(config.pixels, p.outW);
  const alternates = !config.plain && (wanted * p.strideW) % 2 === 1;
  const pixels = alternates && wanted < p.outW ? wanted + 1 : wanted;
  const { columns, planeW } = planeRow(p);
  const planeH = rowsRead(p, rows);
  const [inRows, outRows] = range ? [planeH, rows] : [p.batch * image.inH, p.batch * p.outH];
  const input = tail?.data ?? buffer('input', p.inputDtype, inRows * image.inW * p.inC);
  const output = tail?.output ?? buffer('output', (p.epilogue.residual ?? p.epilogue).dtype, outRows * p.outW * p.outC);
  const other = residualBuffer(p, input, output.length, same);
  const plane = buffer('plane', 'int16', planeElements(p, planeH));
  const plan: Plan = {
    p,
    view,
    config,
    pixels,
    pairs: pairsOf(p, pixels),
    planeW,
    planeH,
    columns,
    rows,
    input,
    output,
    other,
    plane,
    range,
    tail,
  };
  const packed = pack(plan);
  const weights = buffer('weights', 'int8', packed.length);
  const w = pointer('w', weights, 'int32');
  const body = block(
    fill(plane, ix(0), needsPadding(p) ? plane.length : 0, p.inputZero),
    loop('n', p.batch, (n) =>
      block(
        point(w, 0),
        loop('c', p.inC, (c) =>
          whole
            ? block(
                gather(plan, add(mul(n, image.inH * image.inW * p.inC), c)),
                loop('m', p.outC / p.inC, (m) => channel(plan, w, n, add(mul(c, p.outC / p.inC), m))),
              )
            : channel(plan, w, n, c, add(mul(n, p.inH * p.inW * p.inC), c)),
        ),
      ),
    ),
  );
  const constants = [{ buffer: weights, value: { dtype: 'int8', shape: [packed.length], data: packed } }];
  const common = { scratch: [plane], ...rowScalars(range), body, macs: convMacs(p) };
  if (tail)
    return {
      ...common,
      ...tail.buffers,
      constants: [...constants, ...tail.buffers.constants],
      overlaps: tail.overlaps(undefined),
    };
  const bytes = p.inputDtype !== 'int16';
  const smaller = p.outC === p.inC && p.outH * p.outW <= image.inH * image.inW;
  return {
    ...common,
    inputs: other && !same ? [input, other] : [input],
    outputs: [output],
    constants,
    overlaps: [
      ...(p.batch === 1 && !same && range === undefined && bytes && smaller
        ? [{ input: 0, output: 0, leadBytes: 0, exact: true }]
        : []),
      ...(other && !same ? [{ input: 1, output: 0, leadBytes: 0, exact: true }] : []),
    ],
  };
}

/**
 * A row of the plane: the columns of the image it holds, and the elements from one row to the next, an even number. The
 * padding before a row's columns is the padding behind those of the row before.
 */
function planeRow(p: ConvProblem): { readonly span: number; readonly columns: number; readonly planeW: number } {
  const span = (p.outW - 1) * p.strideW + (p.kW - 1) * p.dilationW + 1;
  const columns = Math.max(0, Math.min(p.inW, span - p.padLeft));
  const least = Math.max(p.padLeft + columns, span - p.padLeft);
  return { span, columns, planeW: least + (least & 1) };
}

/** Elements of a plane of some rows; the last ends where its last window does. */
function planeElements(p: ConvProblem, planeH: number): number {
  const { span, planeW } = planeRow(p);
  return (planeH - 1) * planeW + Math.max(planeW, span + (span & 1));
}

/** Bytes of the plane when it serves `rows` output rows at a time. */
export function planeBytes(image: ConvProblem, rows: number): number {
  const p = rows === image.outH ? sparseView(image).problem : image;
  return 2 * planeElements(p, rowsRead(p, rows));
}

/** Whether the plane may be filled part by part: one output channel each, and no row is overwritten before its turn. */
export function hasParts(p: ConvProblem): boolean {
  if (p.outC !== p.inC || p.inW < p.outW) return false;
  for (let oy = 0; oy < p.outH; oy++) {
    const next = Math.min(p.inH, oy * p.strideH + (p.kH - 1) * p.dilationH + 1 - p.padTop);
    if (next < p.inH && (oy + 1) * p.outW > next * p.inW) return false;
  }
  return true;
}

function needsPadding(p: ConvProblem): boolean {
  return (
    p.padTop > 0 ||
    p.padLeft > 0 ||
    (p.outH - 1) * p.strideH + (p.kH - 1) * p.dilationH >= p.inH + p.padTop ||
    (p.outW - 1) * p.strideW + (p.kW - 1) * p.dilationW >= p.inW + p.padLeft
  );
}

/** Copies one channel of the image into the plane; the border stays as it was filled. */
function gather(plan: Plan, start: LExpr): Stmt[] {
  const { p, planeH } = plan;
  const rows = Math.min(p.inH, planeH - p.padTop);
  return rows > 0 ? gatherRows(plan, add(start, plan.view.origin), ix(p.padTop), ix(rows)) : [];
}

/** Copies one channel of `count` rows of the image, from element `source` on, to the plane's rows from `row` on. */
function gatherRows(plan: Plan, source: LExpr, row: LExpr, count: LExpr): Stmt[] {
  const { p, plane, planeW, columns } = plan;
  if (columns === 0) return [];
  const from = pointer('src', plan.input, p.inputDtype);
  const to = pointer('dst', plane, 'int16');
  const { columnStep, rowStep } = plan.view;
  return [
    point(from, source),
    point(to, add(mul(row, planeW), p.padLeft)),
    loop('y', count, () =>
      block(
        copyRow(columnStep, from, to, columns),
        advance(from, rowStep - columns * columnStep),
        advance(to, planeW - columns),
      ),
    ),
  ];
}

/** Pixels of a row that are copied without a loop. */
const writtenOut = 20;

/** Copies the pixels of a row, one channel of each; both pointers end behind the row. */
function copyRow(step: number, from: Pointer, to: Pointer, columns: number): Stmt[] {
  const copy = (count: number): Stmt[] => [
    ...Array.from({ length: count }, (_, i) => storeVia(to, i, cast('int16', deref(from, i * step)))),
    advance(from, count * step),
    advance(to, count),
  ];
  if (columns <= writtenOut) return copy(columns);
  const turns = Math.ceil(columns / writtenOut);
  const unroll = [12, 11, 10, 9, 8, 7, 6].find((u) => columns % u === 0) ?? Math.floor(columns / turns);
  const rest = columns % unroll;
  return [loop('x', Math.floor(columns / unroll), () => block(copy(unroll))), ...(rest > 0 ? copy(rest) : [])];
}

/**
 * Brings the plane to the rows of part `part`: those it shares with the last one move up, the others are gathered, or
 * filled where the image has none.
 */
function gatherPart(plan: Plan, part: LExpr, start: LExpr): Stmt[] {
  const { p, plane, planeW, planeH, rows, range } = plan;
  if (range !== undefined) {
    const needed = add(mul(sub(range.rows, ix(1)), p.strideH), rowsRead(p, 1));
    return gatherOrFill(plan, start, ix(0), needed, range.top, range.height);
  }
  const kept = Math.max(0, planeH - rows * p.strideH);
  const isFirst: LExpr = { kind: 'compare', op: 'eq', left: part, right: ix(0) };
  const begin = local('begin', 'index');
  const above = local('above', 'index');
  return [
    declare(begin, { kind: 'select', condition: isFirst, then: ix(0), otherwise: ix(kept), dtype: 'index' }),
    ...(kept > 0
      ? [
          {
            kind: 'if',
            condition: { kind: 'compare', op: 'gt', left: part, right: ix(0) },
            then: block(moveDown(plane, rows * p.strideH * planeW, 0, kept * planeW)),
          } satisfies Stmt,
        ]
      : []),
    declare(above, sub(ix(p.padTop), mul(part, rows * p.strideH))),
    ...gatherOrFill(plan, start, begin, ix(planeH), above, ix(p.inH)),
  ];
}

/**
 * Rows `begin` … `end` − 1 of the plane. The image's `height` rows, of which the first starts at element `start`, lie from
 * row `above` on (which may be negative); others are padding.
 */
function gatherOrFill(plan: Plan, start: LExpr, begin: LExpr, end: LExpr, above: LExpr, height: LExpr): Stmt[] {
  const { p, plane, planeW, columns, rows, range } = plan;
  const padsAbove = p.padTop > 0;
  const padsBelow = (p.outH - 1) * p.strideH + (p.kH - 1) * p.dilationH >= p.inH + p.padTop;
  // A last part of fewer rows has room for some that the image lacks.
  const endsEarly = padsBelow || (range === undefined && p.outH % rows !== 0);
  const [low, high] = [local('low', 'index'), local('high', 'index')];
  const pad = (from: LExpr, count: LExpr): Stmt =>
    loop('row', count, (row) => block(fill(plane, add(mul(add(from, row), planeW), p.padLeft), columns, p.inputZero)));
  return [
    declare(low, padsAbove ? bin('max', begin, bin('min', above, end)) : begin),
    declare(high, endsEarly ? bin('min', end, bin('max', low, add(above, height))) : end),
    ...(padsAbove ? [pad(begin, sub(low, begin))] : []),
    ...gatherRows(plan, add(start, mul(sub(low, above), p.inW * p.inC)), low, sub(high, low)),
    ...(padsBelow ? [pad(high, sub(end, high))] : []),
  ];
}

/** Whether weights stand as two int16 in a word, as they are multiplied. */
function isWide(p: ConvProblem): boolean {
  return p.weights instanceof Int16Array;
}

/** Bytes a channel: its pairs of taps two a word, then bias, multiplier, shift. */
function pack(plan: Plan): Int8Array {
  const { p, pairs } = plan;
  const bytes: number[] = [];
  const word = (v: number): void => void bytes.push((v << 24) >> 24, (v << 16) >> 24, (v << 8) >> 24, v >> 24);
  for (let c = 0; c < p.outC; c++) {
    const tap = (ky: number, k: number | undefined): number =>
      k === undefined || k >= p.kW ? 0 : (p.weights[(c * p.kH + ky) * p.kW + k] ?? 0);
    const all = Array.from({ length: p.kH }, (_, ky) => pairs.map((k) => ({ ky, k }))).flat();
    if (plan.config.plain) {
      const taps = p.kH * p.kW;
      for (let i = 0; i < 4 * Math.ceil(taps / 4); i++) bytes.push(i < taps ? (p.weights[c * taps + i] ?? 0) : 0);
    } else if (isWide(p)) for (const { ky, k } of all) word((tap(ky, k) & 0xffff) | (tap(ky, k + 1) << 16));
    else
      for (let i = 0; i < all.length; i += 2) {
        const a = all[i];
        const b = all[i + 1];
        for (const d of [0, 1]) bytes.push(a ? tap(a.ky, a.k + d) : 0, b ? tap(b.ky, b.k + d) : 0);
      }
    if (plan.config.requantize === 'sums') {
      word(p.bias[c] ?? 0);
      continue;
    }
    const scale = plan.config.requantize !== 'wide' ? scaleOf(p, c) : undefined;
    const { multiplier, shift } = scale ?? factors(p, c);
    const compact = plan.config.requantize === 'compact';
    word(compact ? ((p.bias[c] ?? 0) << 8) | shift : (p.bias[c] ?? 0));
    word(multiplier);
    if (!compact) word(shift);
  }
  return Int8Array.from(bytes);
}

/**
 * One output channel: taps and parameters into registers, then all of its outputs. `parts`: where the channel starts in
 * the input, when the plane is filled part by part.
 */
function channel(plan: Plan, w: Pointer, n: LExpr, c: LExpr, parts?: LExpr): Stmt {
  const { p, pairs, config } = plan;
  const out: Stmt[] = [];
  /** Taps and parameters. */
  const held: Stmt[] = [];
  const taps: Local[] = [];
  const count = p.kH * pairs.length;
  const wide = isWide(p);
  const alone = p.kH * p.kW;
  for (let i = 0; config.plain && i < alone; i++) {
    const tap = local('t');
    const word = deref(w, i >> 2);
    held.push(declare(tap, cast('int32', cast('int8', i % 4 === 0 ? word : bin('shr', word, i32(8 * (i % 4)))))));
    taps.push(tap);
  }
  for (let i = 0; wide && i < count; i++) {
    const pair = local('t');
    held.push(declare(pair, deref(w, i)));
    taps.push(pair);
  }
  for (let i = 0; !wide && !config.plain && i < count; i += 2) {
    const raw = local('q');
    held.push(declare(raw, deref(w, i / 2)));
    for (const [j, op] of ['sxtb16', 'sxtb16_ror8'].entries()) {
      if (i + j >= count) break;
      const pair = local('t');
      held.push(declare(pair, intr(op, raw)));
      taps.push(pair);
    }
  }
  const words = config.plain ? Math.ceil(alone / 4) : wide ? count : Math.ceil(count / 2);
  const bias = local('bias');
  const multiplier = local('m');
  const shift = local('sh');
  const rounding = local('r');
  const compact = config.requantize === 'compact';
  const start = deref(w, words);
  const scaled = config.requantize !== 'sums';
  held.push(declare(bias, compact ? bin('shr', start, i32(8)) : start));
  if (scaled)
    held.push(
      declare(multiplier, deref(w, words + 1)),
      declare(shift, compact ? bin('and', start, i32(255)) : deref(w, words + 2)),
    );
  if (scaled && config.requantize !== 'wide')
    held.push(declare(rounding, shiftBy('shl', i32(2 * p.epilogue.zeroPoint + 1), sub(shift, i32(1)), !config.plain)));
  const next = advance(w, words + (!scaled ? 1 : compact ? 2 : 3));
  const x = pointer('x', plan.plane, config.plain ? 'int16' : 'int32');
  const o = pointer('out', plan.output, plan.output.dtype);
  const residual = plan.other ? pointer('res', plan.other, plan.other.dtype) : undefined;
  const first = add(mul(n, p.outH * p.outW * p.outC), c);
  out.push(...(plan.tail ? [] : [point(o, first)]), ...(residual ? [point(residual, first)] : []));
  const scale = (sum: Local): LExpr =>
    config.requantize !== 'wide'
      ? shiftBy('shr', intr('smmla', sum, multiplier, rounding), shift, !config.plain)
      : scaleWide(sum, multiplier, shift, p.epilogue.zeroPoint);
  const outputs = (pixels: number, pixel: LExpr): Stmt =>
    block(
      ...outputBlock({ ...plan, plain: config.plain }, pixels, x, taps, bias, (sum, i) => {
        const other = residual ? deref(residual, i * p.outC) : undefined;
        const value = scaled ? finish(scale(sum), p.epilogue, other) : sum;
        if (!plan.tail) return storeVia(o, i * p.outC, value);
        const result = local('q', scaled ? p.epilogue.dtype : 'int32');
        return block(declare(result, cast(result.dtype, value)), ...plan.tail.finish(add(pixel, i), c, result));
      }),
      ...(plan.tail ? [] : [advance(o, pixels * p.outC)]),
      ...(residual ? [advance(residual, pixels * p.outC)] : []),
    );
  const whole = Math.floor(p.outW / plan.pixels);
  const rest = p.outW % plan.pixels;
  const inWord = config.plain ? 1 : 2;
  const stepWords = (plan.pixels * p.strideW) / inWord;
  const moved = Math.floor(stepWords) * whole;
  const oneBlock = (row: LExpr, xb: LExpr): Stmt =>
    block(outputs(plan.pixels, add(row, mul(xb, plan.pixels))), advance(x, Math.floor(stepWords)));
  /** `y`: the output row. */
  const oneRow = (y: LExpr): Stmt => {
    const row = mul(add(mul(n, p.outH), y), p.outW);
    return block(
      config.straight
        ? Array.from({ length: whole }, (_, xb) => oneBlock(row, ix(xb)))
        : loop('xb', whole, (xb) => oneBlock(row, xb)),
      ...(rest > 0 ? [outputs(rest, add(row, whole * plan.pixels))] : []),
      advance(x, (plan.planeW * p.strideH) / inWord - moved),
    );
  };
  if (!parts) return block(...held, next, point(x, 0), ...out, loop('oy', p.outH, oneRow));
  const { rows, range } = plan;
  // Taps are read behind the gathering, whose loops would else compete with them for registers.
  const part = (at: LExpr, count: LExpr | number): Stmt[] => [
    ...gatherPart(plan, at, parts),
    ...held,
    point(x, 0),
    loop('oy', count, (y) => oneRow(add(mul(at, rows), y))),
  ];
  if (range !== undefined) return block(...out, ...part(ix(0), range.rows), next);
  const left = (at: LExpr): LExpr => sub(ix(p.outH), mul(at, rows));
  const rowsOf = (at: LExpr): LExpr | number => (p.outH % rows === 0 ? rows : bin('min', left(at), ix(rows)));
  return block(
    ...out,
    loop('part', Math.ceil(p.outH / rows), (at) => block(...part(at, rowsOf(at)))),
    next,
  );
}
