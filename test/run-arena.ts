/** The calls of an arena plan in JavaScript, on one piece of memory, as the C would run them. */
import { emitJs } from '../compiler/src/emit/js.ts';
import type { Buffer } from '../compiler/src/loops/kernel.ts';
import { verifyKernel } from '../compiler/src/loops/verify.ts';
import type { ArenaPlan } from '../compiler/src/pipeline/arena.ts';
import { elementBytes } from '../compiler/src/tensor/dtype.ts';
import type { ElementArray } from '../compiler/src/tensor/ndarray.ts';

const bytesOf = (b: Buffer): number => b.length * elementBytes(b.dtype);

/** Memory for a plan, filled with a byte that is easily recognised. */
export function arenaMemory(arena: ArenaPlan): Uint8Array {
  // A kernel that computes some rows a call is given its largest buffers, of which it may use a part.
  const largest = Math.max(0, ...arena.calls.flatMap(({ lowered: l }) => [...l.inputs, ...l.outputs].map(bytesOf)));
  return new Uint8Array(Math.ceil(arena.plan.arenaBytes / 8) * 8 + largest + 64).fill(0xa5);
}

/**
 * Runs all calls: outputs take inputs' memory where the plan says so. Kernels check their subscripts; here, that nothing
 * but outputs and scratch changes. What went wrong, if anything.
 */
export function runArena(arena: ArenaPlan, memory: Uint8Array): { kernel: string; problem: string } | undefined {
  const end = arena.plan.arenaBytes;
  for (const { lowered, inputs, outputs, scratch, scalars, written: sizes, moves } of arena.calls) {
    for (const move of moves) memory.copyWithin(move.to, move.from, move.from + move.bytes);
    const wrong = verifyKernel(lowered);
    if (wrong.length > 0) return { kernel: lowered.name, problem: wrong.join('; ') };
    const pieces = new Map<Buffer, Uint8Array>();
    const place = (b: Buffer, offset: number): void => {
      pieces.set(b, memory.subarray(offset, offset + bytesOf(b)));
    };
    lowered.inputs.forEach((b, i) => place(b, inputs[i] as number));
    for (const { buffer, value } of lowered.constants) {
      const { data } = value;
      pieces.set(buffer, new Uint8Array((data.slice() as ElementArray).buffer, 0, data.byteLength));
    }
    const written = [
      ...lowered.outputs.map((b, i) => ({ b, at: outputs[i] as number, count: sizes[i] as number })),
      ...lowered.scratch.map((b, i) => ({ b, at: scratch[i] as number, count: bytesOf(b) })),
    ];
    for (const { b, at } of written) place(b, at);
    const before = memory.slice();
    emitJs(lowered)(pieces, scalars);
    for (const { at, count } of written) before.set(memory.subarray(at, at + count), at);
    const touched = memory.findIndex((byte, i) => byte !== before[i]);
    if (touched >= 0) return { kernel: lowered.name, problem: `wrote byte ${touched} of an arena of ${end}` };
  }
  return undefined;
}
