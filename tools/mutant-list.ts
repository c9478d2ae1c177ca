/** Faults for `tools/mutants.ts`: one wrong piece of code each, by the part of the compiler that it stands in. */

export interface Mutant {
  readonly name: string;
  /** Below `compiler/src`. */
  readonly file: string;
  /** Text that stands there, the first time. */
  readonly find: string;
  readonly replace: string;
}

export const mutants: readonly Mutant[] = [
  // Passes
  { name: 'clip range test wrong', file: 'passes/simplify.ts', find: 'low <= Number(range.min) && high >= Number(range.max)', replace: 'low <= Number(range.min) || high >= Number(range.max)' },
  { name: 'joined clips take the wider bound', file: 'passes/simplify.ts', find: 'Math.min(high, high2)', replace: 'Math.max(high, high2)' },
  { name: 'joined transposes in the wrong order', file: 'passes/simplify.ts', find: 'outer.map((a) => first[a] ?? 0)', replace: 'first.map((a) => outer[a] ?? 0)' },
  { name: 'batch norm adds the mean', file: 'passes/fold-batch-norm.ts', find: '- (mean[i] ?? 0) * s', replace: '+ (mean[i] ?? 0) * s' },
  { name: 'batch norm forgets epsilon', file: 'passes/fold-batch-norm.ts', find: '(variance[i] ?? 0) + epsilon', replace: '(variance[i] ?? 0) + 2 * epsilon + 0.001' },
  { name: 'equal operators with other attributes are shared', file: 'passes/common-subexpressions.ts', find: '${canonicalJson(e.attrs)}', replace: '' },
  { name: 'equal constants by their ends', file: 'passes/common-subexpressions.ts', find: 'equalArrays(c.value, e.value)', replace: 'c.value.data.length === e.value.data.length' },
  { name: 'pruned channels ignore padding', file: 'passes/constant-channels.ts', find: 'constantValue && (!next.padded || range.low[c] === next.zeroPoint)', replace: 'constantValue' },
  // From operators to a template's problem
  { name: 'missing zero-point term', file: 'schedule/parse.ts', find: '- inputZero * sum) | 0', replace: ') | 0' },
  { name: 'weight zero point ignored', file: 'schedule/parse.ts', find: 'Number(value.data[at]) - zero', replace: 'Number(value.data[at]) - 0 * zero' },
  { name: 'dropped bias', file: 'schedule/parse.ts', find: '((bias[c] ?? 0) + v) | 0', replace: '((bias[c] ?? 0) + 0 * v) | 0' },
  { name: 'swapped strides', file: 'schedule/filter.ts', find: 'strideH: steps.strides[0] ?? 1, strideW: steps.strides[1] ?? 1', replace: 'strideH: steps.strides[1] ?? 1, strideW: steps.strides[0] ?? 1' },
  { name: 'dilation of rows used for columns', file: 'schedule/filter.ts', find: 'dilationW: steps.dilation[1] ?? 1', replace: 'dilationW: steps.dilation[0] ?? 1' },
  { name: 'column as row loses its padding', file: 'schedule/problem.ts', find: 'padLeft: p.padTop', replace: 'padLeft: 0' },
  { name: 'constant channel off by the zero point', file: 'schedule/problem.ts', find: '8 * (value - e.zeroPoint)', replace: '8 * value' },
  // Templates
  { name: 'wrong rounding constant', file: 'schedule/requantize.ts', find: '(2 * zeroPoint + 1) * 2 ** (shift - 1)', replace: '(2 * zeroPoint) * 2 ** (shift - 1)' },
  { name: 'wrong shift', file: 'schedule/requantize.ts', find: 'return { multiplier, shift: total - 32 }', replace: 'return { multiplier, shift: total - 31 }' },
  { name: 'clip bound off by one', file: 'schedule/templates/epilogue.ts', find: "bin('min', v, i32(max))", replace: "bin('min', v, i32(max + 1))" },
  { name: 'lower clip bound dropped', file: 'schedule/templates/epilogue.ts', find: "if (above) v = bin('max', v, i32(min));", replace: '' },
  { name: 'residual zero point off by one', file: 'schedule/templates/epilogue.ts', find: 'sub(x, i32(s.zeroPoint))', replace: 'sub(x, i32(s.zeroPoint + 1))' },
  { name: 'table rounds down', file: 'schedule/templates/epilogue.ts', find: '(1n << (total - 1n))', replace: '0n' },
  { name: 'padding off by one row', file: 'schedule/templates/window.ts', find: 'const y = add(mul(oy, p.strideH), i - p.padTop)', replace: 'const y = add(mul(oy, p.strideH), i - p.padTop + 1)' },
  { name: 'window keeps one row too many', file: 'schedule/templates/window.ts', find: 'moveDown(w.to, p.strideH * r.length', replace: 'moveDown(w.to, r.length' },
  { name: 'taps of a transposed convolution in the wrong order', file: 'schedule/transposed.ts', find: 'rest + stride * (count - 1 - k)', replace: 'rest + stride * k' },
  { name: 'interleaved outputs lie side by side', file: 'schedule/templates/conv.ts', find: 'step: among?.step ?? 1', replace: 'step: 1' },
  { name: 'zero points of products multiplied twice', file: 'schedule/templates/matmul.ts', find: 'mul(sum, i32(-p.a.zeroPoint))', replace: 'mul(sum, i32(p.a.zeroPoint))' },
  { name: 'result upon the second matrix', file: 'schedule/matmul-problem.ts', find: '.filter((o) => o.input !== second)', replace: '' },
  { name: 'sum skips the last elements', file: 'schedule/templates/add.ts', find: 'if (rest > 0)', replace: 'if (rest > 1)' },
  // Loops
  { name: 'rows and columns swapped in subscripts', file: 'loops/te-lower.ts', find: 'const size = shape[d] ?? 1;', replace: 'const size = shape[d - 1] ?? 1;' },
  { name: 'greatest value starts from zero', file: 'loops/te-lower.ts', find: "op === 'max' ? least : most", replace: "op === 'max' ? 0n : most" },
  { name: 'value reused from another element', file: 'loops/te-lower.ts', find: 'return a.op === b.op && equal(a.left, b.left) && equal(a.right, b.right)', replace: 'return a.op === b.op' },
  { name: 'comparison with itself the wrong way', file: 'loops/tidy.ts', find: "return bool(e.op === 'eq' || e.op === 'le' || e.op === 'ge')", replace: "return bool(e.op === 'eq' || e.op === 'lt' || e.op === 'ge')" },
  // Memory
  { name: 'overlapping arena offset', file: 'memory/plan.ts', find: '?? this.buffers[j]?.bytes ?? 0), exact', replace: '?? (this.buffers[j]?.bytes ?? 0) - 1), exact' },
  { name: 'tensor dies one step early', file: 'pipeline/arena.ts', find: 'known.last = Math.max(known.last, to)', replace: 'known.last = Math.max(known.last, to - 1)' },
  { name: 'output overtakes the input it replaces', file: 'pipeline/arena.ts', find: 'found.push({ input: from, output: to, leadBytes,', replace: 'found.push({ input: from, output: to, leadBytes: 0,' },
  // C
  { name: 'narrow integers do not wrap', file: 'emit/c.ts', find: "return narrow(infix({ add: '+', sub: '-', mul: '*' }[op]))", replace: "return infix({ add: '+', sub: '-', mul: '*' }[op])" },
  { name: 'floored remainder of negative divisors', file: 'emit/helpers.ts', find: '(r != 0 && (r < 0) != (b < 0))', replace: '(r < 0)' },
  { name: 'fixed-point product rounds down', file: 'emit/helpers.ts', find: '(uint64_t)product + ((uint64_t)1 << (total - 1))', replace: '(uint64_t)product + 0u' },
  { name: 'missing parentheses on the right', file: 'emit/c.ts', find: 'this.wrap(this.expr(e.right), s + 1)', replace: 'this.wrap(this.expr(e.right), s)' },
  { name: 'constants of a shared function in the wrong order', file: 'emit/program-text.ts', find: '...(called?.constants ?? []).map(', replace: '...[...(called?.constants ?? [])].reverse().map(' },
  { name: 'calls that differ in constants share one table', file: 'emit/module.ts', find: 'shared: list.some((c) => c.kernel !== list[0]?.kernel)', replace: 'shared: list.some((c) => c.kernel === undefined)' },
  { name: 'shift amounts are not taken modulo the width', file: 'emit/js-runtime.ts', find: 'x << (y & amount)', replace: 'x << (y & 7n)' },
  { name: 'amounts of shifts lose their upper bits', file: 'emit/c.ts', find: '& ${width - 1})', replace: '& 7)' },
  { name: 'floats are written with three digits', file: 'emit/constants.ts', find: 'if (Math.fround(Number(text)) === target) return text;', replace: 'return String(Number(target.toPrecision(3)));' },
  { name: 'saturating conversion wraps at the upper end', file: 'emit/helpers.ts', find: "signed ? bits - 1 : bits)}) return ${max};`", replace: "signed ? bits - 1 : bits)}) return ${min};`" },
  { name: 'halves are rounded down', file: 'emit/float-functions.ts', find: '0.49999997f', replace: '0.4999f' },
  { name: 'an exponential of half its size', file: 'emit/float-functions.ts', find: '(p + p) * scale', replace: 'p * scale' },
  { name: 'one-element constants all become zero', file: 'loops/lower.ts', find: 'scalars.set(tensor, only)', replace: 'scalars.set(tensor, 0)' },
  // Fusion
  { name: 'all results of a call are its first', file: 'passes/fuse.ts', find: 'this.resultsOf.get(e.tuple)?.[e.index]', replace: 'this.resultsOf.get(e.tuple)?.[0]' },
  { name: 'arguments of a kernel in another order than its parameters', file: 'passes/fuse.ts', find: 'args.push(value);', replace: 'args.unshift(value);' },
  { name: 'a fused kernel takes one input twice', file: 'passes/fuse.ts', find: 'if (known >= 0 && before !== undefined) return before;', replace: 'if (params[0] !== undefined) return params[0];' },
  // Requantisation
  { name: 'exact form used where it is not exact', file: 'schedule/requantize.ts', find: 'if (total < 33) return undefined;', replace: 'if (total < 32) return undefined;' },
  { name: 'small products rounded to zero too early', file: 'schedule/requantize.ts', find: '2 ** (total - 1) * (1 - 2 ** -40)', replace: '2 ** (total + 3)' },
  { name: 'halves of floats rounded towards zero', file: 'schedule/quantise-floats.ts', find: 'i32(2 * found.zero + 1)', replace: 'i32(2 * found.zero)' },
  { name: 'exponentials taken for normal numbers that are not', file: 'schedule/primitives/tensorise.ts', find: 'range.min >= -86 && range.max <= 88', replace: 'range.min >= -860 && range.max <= 880' },
  { name: 'largest of values that fall taken for those that grow', file: 'schedule/monotone-maximum.ts', find: " && by > 0;", replace: " && by !== 0;" },
  { name: 'wrong shift of a channel', file: 'schedule/scale-channels.ts', find: 'sub(i32(c.scaled - 1), c.shift)', replace: 'sub(i32(c.scaled), c.shift)' },
  // Primitives
  { name: 'left-over turns start one too late', file: 'schedule/primitives/loops.ts', find: 'add(last, whole * factor)', replace: 'add(last, whole * factor - 1)' },
  { name: 'what a loop writes is read before it', file: 'schedule/primitives/hoist.ts', find: "if (e.kind === 'local' || e.kind === 'loopvar') return !changing.has(e);", replace: "if (e.kind === 'local' || e.kind === 'loopvar') return e !== loop.variable;" },
  { name: 'parts of a loop start one too late', file: 'schedule/primitives/partition.ts', find: 'add(variable, start)]', replace: 'add(variable, start + 1)]' },
  { name: 'collapsed loops over elements apart', file: 'schedule/primitives/partition.ts', find: '=== few.value * step', replace: '>= few.value * step' },
  { name: 'packed constants in reversed order', file: 'schedule/primitives/memory.ts', find: 'data[i] = element as never', replace: 'data[length - 1 - i] = element as never' },
  { name: 'temporaries computed in the wrong turn', file: 'schedule/primitives/memory.ts', find: 'if (!range || range.low < 0 || range.high >= factor) return undefined;', replace: 'if (!range) return undefined;' },
  { name: 'words read from half of a word on', file: 'schedule/primitives/tensorise.ts', find: '(n * bytes) % 4 === 0', replace: '(n * bytes) % 2 === 0' },
  // Memory
  { name: 'kernels in turns give their tensors up after their first turn', file: 'pipeline/arena.ts', find: 'const { first, last } = streamOf(k) ?? { first: k, last: k };', replace: 'const { first, last } = { first: k, last: k };' },
  // Turns of rows, order of kernels
  { name: 'a turn computes one row too few for its readers', file: 'pipeline/row-stream.ts', find: '- input.top + input.window;', replace: '- input.top + input.window - 1;' },
  { name: 'rows stay where they are when their window moves on', file: 'pipeline/row-stream.ts', find: '[(first - before) * rowBytes, (first - now) * rowBytes]', replace: '[(first - before) * rowBytes, (first - before) * rowBytes]' },
  { name: 'turns at the upper border read rows in the place of padding', file: 'pipeline/row-stream.ts', find: 'top: main.row - main.wanted', replace: 'top: 0' },
  { name: 'what a stream writes overtakes what it has yet to read', file: 'pipeline/row-stream.ts', find: 'call.output + call.outputBytes - read', replace: 'call.output - read' },
  { name: 'kernels run before what they read is there', file: 'pipeline/kernel-order.ts', find: '(missing[user] ?? 0) - 1) === 0', replace: '(missing[user] ?? 0) - 1) >= 0' },
  { name: 'buffers of long programs placed over what lies above them', file: 'memory/plan.ts', find: 'if (found + bytes <= at) continue;', replace: 'if (found <= at) continue;' },
  { name: 'what lived at a step counts at the later ones', file: 'memory/problem.ts', find: 'live -= ends.get(step) ?? 0;', replace: 'live -= 0;' },
  { name: 'pairs that may share memory lie apart in the matrix alone', file: 'memory/problem.ts', find: 'sharing[output]?.set(input, { above: below, below: a.bytes });', replace: 'sharing[output]?.set(input, { above: b.bytes, below: a.bytes - b.bytes });' },
  // Pools
  { name: 'pools take the padding above for that on the left', file: 'schedule/templates/pool.ts', find: 'sub(mul(x, w.strideW), w.padLeft)', replace: 'sub(mul(x, w.strideW), w.padTop)' },
  { name: 'means at the border divide by the whole window', file: 'schedule/templates/pool.ts', find: 'count: fixed ? i32(w.kH * w.kW) : count', replace: 'count: i32(w.kH * w.kW)' },
  // Float kernels
  { name: 'channels beyond whole blocks are left out', file: 'schedule/float/conv.ts', find: 'left %= size;', replace: 'left = 0;' },
  { name: 'odd taps of float sums are left out', file: 'schedule/float/block.ts', find: 'if (b.taps % 2 === 1)', replace: 'if (b.taps % 4 === 1)' },
  { name: 'a depthwise float kernel takes its left padding from above', file: 'schedule/float/depthwise.ts', find: 'sub(mul(x0, f.strideW), f.padLeft)', replace: 'sub(mul(x0, f.strideW), f.padTop)' },
  { name: 'blocks of pixels overtake the inputs they replace', file: 'schedule/nest.ts', find: '(oy * f.outW + first + width) - least', replace: '(oy * f.outW + first) - least' },
  // Small code
  { name: 'functions that differ in sizes share those of the first', file: 'emit/sizes.ts', find: 'row.every((v) => v === value)', replace: 'row.some((v) => v === value)' },
  { name: 'sizes that agree in one text share a parameter', file: 'emit/sizes.ts', find: "row.join(' ')", replace: 'String(value)' },
  { name: 'the kernel that takes the time is made small as well', file: 'pipeline/light-kernels.ts', find: 'weight.operations > share * total', replace: 'weight.operations > total' },
  { name: 'one long row is cut into parts', file: 'schedule/conv-space.ts', find: 'p.outH === 1 || !hasParts(p)', replace: '!hasParts(p)' },
]; // prettier-ignore
