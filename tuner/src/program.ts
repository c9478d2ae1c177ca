/**
 * Many candidates in one program: each kernel a function, files grouped by compiler flags, and a driver that fills
 * outputs and scratch with a pattern before a candidate runs, so that nothing is right by leftovers.
 */
import { createHash } from 'node:crypto';
import type { SourceFile } from '../../boards/src/toolchain.ts';
import { emitKernel, selfContained } from '../../compiler/src/emit/c.ts';
import { Helpers, prelude } from '../../compiler/src/emit/helpers.ts';
import type { Buffer, LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { fileOf, withoutLargeConstants, type ConstantFile } from './constants.ts';
import { elementBytes } from '../../compiler/src/tensor/dtype.ts';

/** A kernel's C under a name that does not depend on its place in a batch. */
export interface EmittedKernel {
  /** Function name; equal kernels have equal names. */
  readonly name: string;
  readonly prototype: string;
  readonly text: string;
  /** Helper functions that the text uses, by name. */
  readonly helpers: ReadonlyMap<string, string>;
  readonly flags: readonly string[];
  readonly hash: string;
  /** Constants that the text does not define: large ones, and those that the driver passes. */
  readonly constants: readonly ConstantFile[];
  /** Constants that are parameters behind the others, in their order. */
  readonly passed: readonly ConstantFile[];
  readonly kernel: LoweredKernel;
}

/** Bytes behind every output and scratch buffer that a candidate must leave alone. */
export const guardBytes = 32;
/** What outputs and guards hold before a run. */
export const fillByte = 0xa5;

const PLACEHOLDER = 'relay_candidate';

/** Keeps the text of each helper, so that the helpers of several kernels can be put into one file. */
class CollectedHelpers extends Helpers {
  readonly entries = new Map<string, string>();

  override use(name: string, text: () => string): string {
    if (!this.entries.has(name)) this.entries.set(name, text());
    return name;
  }
}

/**
 * Emits a kernel and names it by the hash of its text and flags; `shared`: in the form that several calls of a program share,
 * which reaches its constants through parameters and is some percent slower.
 */
export function emitCandidate(kernel: LoweredKernel, shared = false): EmittedKernel {
  if (shared && kernel.constants.length > 0) return emitShared(kernel);
  const slim = withoutLargeConstants(kernel);
  if (slim) {
    const emitted = emitAs(slim.kernel, kernel, slim.files, slim.declare);
    if (emitted) return emitted;
  }
  const whole = emitAs(kernel, kernel, [], (text) => text);
  if (!whole) throw new Error('a kernel without external constants was not emitted');
  return whole;
}

function emitAs(
  shown: LoweredKernel,
  kernel: LoweredKernel,
  constants: readonly ConstantFile[],
  finish: (text: string) => string | undefined,
): EmittedKernel | undefined {
  const helpers = new CollectedHelpers();
  const emitted = emitKernel(shown, helpers, { name: PLACEHOLDER, linkage: '' });
  const text = finish(selfContained(emitted));
  if (text === undefined) return undefined;
  return named(kernel, emitted.prototype, text, { helpers: helpers.entries, constants, passed: [] });
}

function emitShared(kernel: LoweredKernel): EmittedKernel {
  const helpers = new CollectedHelpers();
  const options = { name: PLACEHOLDER, linkage: '', constantsAsParameters: true } as const;
  const { prototype, text } = emitKernel(kernel, helpers, options);
  const passed = kernel.constants.map(({ buffer, value }) => fileOf(buffer, value));
  return named(kernel, prototype, text, { helpers: helpers.entries, constants: passed, passed });
}

/** The kernel under a name of its own. */
function named(
  kernel: LoweredKernel,
  prototype: string,
  text: string,
  parts: Pick<EmittedKernel, 'helpers' | 'constants' | 'passed'>,
): EmittedKernel {
  const { flags } = kernel;
  const contents = [text, flags.join('\0'), ...parts.passed.map(({ symbol }) => symbol)];
  const hash = contents
    .reduce((sum, content) => sum.update(content), createHash('sha256'))
    .digest('hex')
    .slice(0, 16);
  const name = `k_${hash}`;
  const own = (given: string): string => given.replaceAll(PLACEHOLDER, name);
  return { name, prototype: own(prototype), text: own(text), flags, hash, kernel, ...parts };
}

/** One C file of several kernels, with the helpers they use. */
export function kernelFile(candidates: readonly EmittedKernel[], name: string): SourceFile {
  const helpers = new Map(candidates.flatMap((candidate) => [...candidate.helpers]));
  const sorted = [...helpers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  const text = [prelude, ...sorted, ...candidates.map((candidate) => candidate.text)].join('\n\n');
  return { name, text: `${text}\n`, flags: candidates[0]?.flags ?? [] };
}

/** Splits candidates into groups that one run of the compiler can take. */
export function groupByFlags(candidates: readonly EmittedKernel[], perFile: number): EmittedKernel[][] {
  const groups = new Map<string, EmittedKernel[][]>();
  for (const candidate of candidates) {
    const key = candidate.flags.join('\0');
    const files = groups.get(key) ?? [];
    const last = files.at(-1);
    if (last && last.length < perFile) last.push(candidate);
    else files.push([candidate]);
    groups.set(key, files);
  }
  return [...groups.values()].flat();
}

function bytesOf(buffer: Buffer): number {
  return buffer.length * elementBytesInC(buffer.dtype);
}

/** Half-precision floats are computed and kept as single ones. */
function elementBytesInC(dtype: string): number {
  return dtype === 'float16' || dtype === 'bfloat16' ? 4 : elementBytes(dtype);
}

/** Sizes of the buffers that a driver declares for a batch. */
export interface DriverLayout {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** One stretch that all candidates' scratch buffers are cut from. */
  readonly scratch: number;
}

function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

/** Where each scratch buffer of a kernel starts, each followed by a guard, and the whole length. */
function scratchPlaces(kernel: LoweredKernel): { readonly offsets: readonly number[]; readonly bytes: number } {
  const offsets: number[] = [];
  let at = 0;
  for (const buffer of kernel.scratch) {
    at = alignUp(at, Math.max(8, buffer.align));
    offsets.push(at);
    at += bytesOf(buffer) + guardBytes;
  }
  return { offsets, bytes: at };
}

/** The layout that all kernels of a batch share: they have the same inputs and outputs. */
export function layoutOf(candidates: readonly EmittedKernel[]): DriverLayout {
  const first = candidates[0]?.kernel;
  return {
    inputs: first?.inputs.map(bytesOf) ?? [],
    outputs: first?.outputs.map(bytesOf) ?? [],
    scratch: Math.max(8, ...candidates.map(({ kernel }) => scratchPlaces(kernel).bytes)),
  };
}

/** The file that declares the buffers and calls candidate `i` as job `i`, behind a mark where one is given. */
export function driverFile(
  candidates: readonly EmittedKernel[],
  layout: DriverLayout,
  mark: string | undefined,
): SourceFile {
  const aligned = '__attribute__((aligned(32)))';
  const lines = [
    '#include <stdbool.h>',
    '#include <stddef.h>',
    '#include <string.h>',
    '#include "relay_harness.h"',
    ...layout.inputs.map((bytes, i) => `uint8_t relay_in_${i}[${bytes}] ${aligned};`),
    ...layout.outputs.map((bytes, i) => `uint8_t relay_out_${i}[${bytes + guardBytes}] ${aligned};`),
    `static uint8_t scratch[${layout.scratch}] ${aligned};`,
    'volatile uint32_t relay_guard_broken;',
    'volatile uint32_t relay_repeats;',
    ...candidates.map((candidate) => `${candidate.prototype};`),
    ...new Set(candidates.flatMap(({ passed }) => passed.map(({ symbol }) => `extern const uint8_t ${symbol}[];`))),
    ...candidates.map((candidate, i) => {
      const { inputs, outputs } = candidate.kernel;
      const places = scratchPlaces(candidate.kernel);
      const args = [
        ...inputs.map((_, k) => `(void *)relay_in_${k}`),
        ...outputs.map((_, k) => `(void *)relay_out_${k}`),
        ...places.offsets.map((offset) => `(void *)(scratch + ${offset})`),
        ...candidate.passed.map(({ symbol }) => `(const void *)${symbol}`),
      ];
      return `static void call_${i}(void) { ${candidate.name}(${args.join(', ')}); }`;
    }),
    `static void (*const calls[])(void) = {${candidates.map((_, i) => `call_${i}`).join(', ')}};`,
    ...candidates.map((candidate, i) => {
      const places = scratchPlaces(candidate.kernel);
      const guards = candidate.kernel.scratch.map((buffer, k) => (places.offsets[k] ?? 0) + bytesOf(buffer));
      return `static const uint32_t guards_${i}[] = {${[...guards, 0xffffffff].map((at) => `${at}u`).join(', ')}};`;
    }),
    `static const uint32_t *const guards[] = {${candidates.map((_, i) => `guards_${i}`).join(', ')}};`,
    'void relay_run_job(uint32_t job) {',
    '  uint64_t least = (uint64_t)-1;',
    '  relay_guard_broken = 0;',
    `  memset(scratch, ${fillByte}, sizeof scratch);`,
    ...layout.outputs.map((_, i) => `  memset(relay_out_${i}, ${fillByte}, sizeof relay_out_${i});`),
    '  for (uint32_t i = 0; i <= relay_repeats; i++) {',
    '    relay_begin();',
    ...(mark === undefined ? [] : [`    ${mark}`]),
    '    calls[job]();',
    '    relay_end();',
    '    if (relay_ticks < least) least = relay_ticks;',
    '  }',
    '  relay_ticks = least;',
    '  for (const uint32_t *at = guards[job]; *at != 0xffffffffu; at++)',
    `    for (int i = 0; i < ${guardBytes}; i++)`,
    `      if (scratch[*at + i] != ${fillByte}) relay_guard_broken = 1;`,
    '}',
  ];
  return { name: 'driver.c', text: `${lines.join('\n')}\n`, flags: ['-O2'] };
}
