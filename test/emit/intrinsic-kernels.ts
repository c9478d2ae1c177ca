/** Kernels of one instruction each, and words that instructions are tried on. */
import { block, buffer, declare, deref, load, local, point, pointer, store } from '../../compiler/src/loops/build.ts';
import type { Local, Stmt } from '../../compiler/src/loops/ir.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import type { Intrinsic } from '../../compiler/src/targets/intrinsic.ts';

/** A kernel that applies one instruction to the elements of its input. */
export function kernelOf(record: Intrinsic): LoweredKernel {
  const dtype = record.dtype ?? 'int32';
  const input = buffer('input', dtype, 8, 8);
  const output = buffer('output', dtype, 9, 8);
  const args = record.params.map((_, i) => load(input, i));
  // What the instruction does not set would be whatever memory held.
  const body: Stmt[] = Array.from({ length: 9 }, (_, i) => store(output, i, { kind: 'const', dtype, value: 0 }));
  if (!record.results) body.push(store(output, 0, { kind: 'intrinsic', name: record.name, args, dtype }));
  else {
    const p = pointer('p', record.writes === undefined ? input : output, dtype);
    const results: Local[] = record.results.map((r) => local(r, dtype));
    body.push(point(p, 0), ...results.map((r) => declare(r, 0)));
    body.push({
      kind: 'perform',
      name: record.name,
      results,
      at: { pointer: p, offset: { kind: 'const', dtype: 'index', value: 0 } },
      args,
    });
    results.forEach((r, i) => body.push(store(output, i, r)));
    if (record.writes !== undefined) body.push(store(output, 2, deref(p, 1)));
    if (record.moves !== undefined) body.push(store(output, 8, deref(p, -1)));
  }
  return {
    name: `do_${record.name}`, inputs: [input], outputs: [output], constants: [], scratch: [], body: block(...body),
    overlaps: [], flags: [], macs: 0, origin: [],
  }; // prettier-ignore
}

/** Words at which results change their kind. */
export const edges: readonly number[] = [
  0,
  1,
  -1,
  127,
  128,
  -128,
  255,
  256,
  32767,
  -32768,
  65535,
  0x7fffffff,
  -0x80000000,
  0x00ff00ff,
  0x80008000 | 0,
];
