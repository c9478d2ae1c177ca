/** A program in C: kernels, the function that calls them in order on one static arena, and a header. */
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { elementBytes, type DType } from '../tensor/dtype.ts';
import { elementCount, type NDArray } from '../tensor/ndarray.ts';
import { comment, emitConstant, emitKernel, type KernelText } from './c.ts';
import { cType, Helpers, prelude } from './helpers.ts';
import { commentText, identifier, Names } from './names.ts';

/** Where a kernel's argument lies when it runs. */
export type Place =
  /** Bytes from the start of the arena; a multiple of the buffer's alignment. */
  | { readonly kind: 'arena'; readonly offset: number }
  /** A constant that is no part of the kernel (a weight shared by several): emitted once, identity is the array. */
  | { readonly kind: 'constant'; readonly value: NDArray };

export interface KernelCall {
  readonly kernel: LoweredKernel;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  /** One for each of the kernel's scratch buffers. */
  readonly scratch: readonly Place[];
  /** Lines for a comment above the kernel: the source binding, its shapes. Any text. */
  readonly comment: readonly string[];
}

/** A tensor the caller writes before, or reads after, a run. It lies in the arena. */
export interface ModuleTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
}

export interface ModuleSpec {
  /** The program's name; a C identifier is made from it. */
  readonly name: string;
  readonly calls: readonly KernelCall[];
  readonly arenaBytes: number;
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
  /** Lines for the comment at the top of the sources (what it was made from). */
  readonly comment: readonly string[];
}

export interface EmittedFile {
  readonly name: string;
  readonly text: string;
  /** Extra compiler flags of this file; absent for headers. */
  readonly flags?: readonly string[];
}

export interface EmittedModule {
  /**
   * The C identifier stem: `<stem>.h` declares `void <stem>_run(void)` and the pointer expressions `<stem>_input_<i>`
   * and `<stem>_output_<i>`. Inside `<stem>_run`, the statement `RELAY_LAYER(i);` stands before call `i`, and once more
   * with the number of calls after the last; the macro is empty unless a profiling build defines it beforehand.
   */
  readonly stem: string;
  readonly files: readonly EmittedFile[];
  /** Bytes of constants as stored in flash. */
  readonly constantBytes: number;
  /** The C function of each call, in order. */
  readonly functions: readonly string[];
}

/** Kernels of a tuning batch: functions with external linkage and names of their own, in files by compiler flags. */
export interface EmittedKernels {
  readonly files: readonly EmittedFile[];
  /** In the order of the kernels. Parameters: inputs, outputs, scratch. */
  readonly functions: readonly {
    readonly name: string;
    /** A C declaration, without the semicolon. */
    readonly prototype: string;
    readonly constantBytes: number;
  }[];
}

/** Emits kernels that stand alone: each file includes its helpers. `stem` names the files. */
export function emitKernels(kernels: readonly LoweredKernel[], stem = 'kernels'): EmittedKernels {
  const names = new Names();
  const named = kernels.map((kernel) => ({ kernel, name: names.fresh(kernel.name, 'kernel'), comment: [] }));
  const { files, texts } = filesOf(named, identifier(stem, 'kernels'), '');
  return { files, functions: texts.map(({ name, prototype, constantBytes }) => ({ name, prototype, constantBytes })) };
}

interface NamedKernel {
  readonly kernel: LoweredKernel;
  readonly name: string;
  readonly comment: readonly string[];
}

/** One file for each set of flags, in order of first use. */
function filesOf(
  kernels: readonly NamedKernel[],
  stem: string,
  header: string,
): { readonly files: EmittedFile[]; readonly texts: KernelText[] } {
  const groups = new Map<string, { flags: readonly string[]; helpers: Helpers; parts: string[] }>();
  const texts = kernels.map(({ kernel, name, comment: lines }) => {
    const key = kernel.flags.join(' ');
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { flags: kernel.flags, helpers: new Helpers(), parts: [] }));
    const text = emitKernel(kernel, group.helpers, { name, comment: lines, linkage: '' });
    // A declaration first, so that strict compilers see the external function announced.
    group.parts.push(`${text.prototype};\n${text.text}`);
    return text;
  });
  const files = [...groups.values()].map(({ flags, helpers, parts }, i): EmittedFile => {
    const name = `${stem}${i === 0 ? '' : `_${i + 1}`}.c`;
    const sections = [header, prelude, helpers.text(), ...parts].filter((s) => s !== '');
    return { name, text: `${sections.join('\n\n')}\n`, flags };
  });
  return { files, texts };
}

/** C sources and header of a program. The text depends on the specification alone, byte for byte. */
export function emitModule(spec: ModuleSpec): EmittedModule {
  const stem = identifier(spec.name, 'model').toLowerCase();
  const names = new Names();
  const top = comment(spec.comment.length > 0 ? spec.comment : [spec.name]);
  // A kernel object that is called twice is emitted once.
  const unique = new Map<LoweredKernel, NamedKernel>();
  for (const call of spec.calls) {
    if (unique.has(call.kernel)) continue;
    const name = names.fresh(`${stem}_${call.kernel.name}`, 'kernel');
    unique.set(call.kernel, { kernel: call.kernel, name, comment: call.comment });
  }
  const { files, texts } = filesOf([...unique.values()], `${stem}_kernels`, top);
  const byKernel = new Map([...unique.keys()].map((kernel, i) => [kernel, texts[i] as KernelText]));
  const program = programText(spec, stem, top, byKernel, names);
  return {
    stem,
    files: [
      { name: `${stem}.h`, text: headerText(spec, stem, top) },
      { name: `${stem}.c`, text: program.text, flags: [] },
      ...files,
    ],
    constantBytes: texts.reduce((n, t) => n + t.constantBytes, 0) + program.constantBytes,
    functions: spec.calls.map((call) => byKernel.get(call.kernel)?.name ?? ''),
  };
}

function tensorBytes(t: ModuleTensor): number {
  return elementCount(t.shape) * elementBytes(t.dtype);
}

function headerText(spec: ModuleSpec, stem: string, top: string): string {
  const upper = stem.toUpperCase();
  const tensors = (kind: 'input' | 'output', list: readonly ModuleTensor[]): string[] =>
    list.flatMap((t, i) => [
      `/* ${kind} ${i}, ${commentText(t.name)}: ${t.dtype} (${t.shape.join(', ')}) */`,
      `#define ${upper}_${kind.toUpperCase()}_${i}_BYTES ${tensorBytes(t)}`,
      `#define ${stem}_${kind}_${i} ((${cType(t.dtype)} *)(void *)(${stem}_arena + ${t.offset}))`,
    ]);
  return `${[
    top,
    `#ifndef ${upper}_H`,
    `#define ${upper}_H`,
    '',
    '#include <stdbool.h>',
    '#include <stdint.h>',
    '',
    '#ifdef __cplusplus',
    'extern "C" {',
    '#endif',
    '',
    '/* Bytes of the static memory for activations, inputs and outputs. */',
    `#define ${upper}_ARENA_BYTES ${spec.arenaBytes}`,
    `#define ${upper}_INPUTS ${spec.inputs.length}`,
    `#define ${upper}_OUTPUTS ${spec.outputs.length}`,
    '',
    `extern uint8_t *const ${stem}_arena;`,
    '',
    ...tensors('input', spec.inputs),
    ...tensors('output', spec.outputs),
    '',
    '/*',
    ' * Runs the program once. Write the inputs before and read the outputs after it; the memory of the inputs may hold',
    ' * other values afterwards. Not re-entrant; no heap.',
    ' */',
    `void ${stem}_run(void);`,
    '',
    `/* The same with the caller's buffers: copies ${spec.inputs.length} input(s) in and ${spec.outputs.length} output(s) out. */`,
    `void ${stem}_invoke(const void *const inputs[], void *const outputs[]);`,
    '',
    '#ifdef __cplusplus',
    '}',
    '#endif',
    '',
    `#endif /* ${upper}_H */`,
  ].join('\n')}\n`;
}

function programText(
  spec: ModuleSpec,
  stem: string,
  top: string,
  kernels: ReadonlyMap<LoweredKernel, KernelText>,
  names: Names,
): { readonly text: string; readonly constantBytes: number } {
  const constants: string[] = [];
  const constantNames = new Map<NDArray, string>();
  let constantBytes = 0;
  const argument = (place: Place, buffer: Buffer, write: boolean): string => {
    const type = `${write ? '' : 'const '}${cType(buffer.dtype)} *`;
    if (place.kind === 'arena') return `(${type})(void *)(arena.bytes + ${place.offset})`;
    let symbol = constantNames.get(place.value);
    if (symbol === undefined) {
      symbol = names.fresh(`${stem}_constant`, 'constant');
      constantNames.set(place.value, symbol);
      const emitted = emitConstant(symbol, { ...buffer, align: Math.max(4, buffer.align) }, place.value);
      constants.push(emitted.text);
      constantBytes += emitted.bytes;
    }
    return symbol;
  };
  const calls = spec.calls.flatMap((call, number) => {
    const { kernel } = call;
    const args = [
      ...kernel.inputs.map((b, i) => argument(placeOf(call.inputs, i, kernel), b, false)),
      ...kernel.outputs.map((b, i) => argument(placeOf(call.outputs, i, kernel), b, true)),
      ...kernel.scratch.map((b, i) => argument(placeOf(call.scratch, i, kernel), b, true)),
    ];
    const title = call.comment[0];
    return [
      `  RELAY_LAYER(${number});`,
      ...(title === undefined ? [] : [`  /* ${commentText(title)} */`]),
      `  ${kernels.get(kernel)?.name ?? ''}(${args.join(', ')});`,
    ];
  });
  const text = [
    top,
    [`#include "${stem}.h"`, '', '#include <stddef.h>', '#include <string.h>'].join('\n'),
    [...kernels.values()].map((k) => `${k.prototype};`).join('\n'),
    ...constants,
    [
      '/* Activations, inputs and outputs; the union gives the alignment of the widest element. */',
      `static union {`,
      `  uint8_t bytes[${Math.max(1, spec.arenaBytes)}];`,
      '  int64_t align;',
      '} arena;',
      `uint8_t *const ${stem}_arena = arena.bytes;`,
    ].join('\n'),
    [
      '/* A profiling build may define this beforehand; it stands before each call and after the last. */',
      '#ifndef RELAY_LAYER',
      '#define RELAY_LAYER(index) ((void)0)',
      '#endif',
    ].join('\n'),
    [`void ${stem}_run(void)`, '{', ...calls, `  RELAY_LAYER(${spec.calls.length});`, '}'].join('\n'),
    [
      `void ${stem}_invoke(const void *const inputs[], void *const outputs[])`,
      '{',
      ...(spec.inputs.length === 0 ? ['  (void)inputs;'] : []),
      ...(spec.outputs.length === 0 ? ['  (void)outputs;'] : []),
      ...spec.inputs.map((t, i) => `  memcpy(arena.bytes + ${t.offset}, inputs[${i}], ${tensorBytes(t)});`),
      `  ${stem}_run();`,
      ...spec.outputs.map((t, i) => `  memcpy(outputs[${i}], arena.bytes + ${t.offset}, ${tensorBytes(t)});`),
      '}',
    ].join('\n'),
  ];
  return { text: `${text.join('\n\n')}\n`, constantBytes };
}

function placeOf(places: readonly Place[], i: number, kernel: LoweredKernel): Place {
  const place = places[i];
  if (!place) throw new Error(`${kernel.name}: no place for buffer ${i}`);
  return place;
}
