/** A program in C: kernels, the function that calls them in order on one static arena, and a header. */
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { elementBytes, type DType } from '../tensor/dtype.ts';
import { elementCount, type NDArray } from '../tensor/ndarray.ts';
import { ArenaText, type ArenaPiece } from './arena.ts';
import { comment, emitConstant, emitKernel, type KernelText } from './c.ts';
import { cType, Helpers, prelude } from './helpers.ts';
import { finishLines, mapBody, mappedTo } from './lines.ts';
import type { SourceLine } from './lines.ts';
import { commentText, identifier, Names } from './names.ts';
import { sharedSizes, skeletonOf } from './sizes.ts';
import type { SharedSizes } from './sizes.ts';
import { turnsText, type Line } from './turns.ts';

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
  /** One for each of the kernel's scalars. */
  readonly scalars?: readonly number[];
  /** Bytes of the arena that move towards its start before the call; places are multiples of four. */
  readonly moves?: readonly ArenaMove[];
  /** Of kernels that run in turns: what tells their stream from others, and the turn. */
  readonly turn?: { readonly stream: object; readonly index: number };
  /** Lines for a comment above the kernel: the source binding, its shapes. Any text. */
  readonly comment: readonly string[];
}

export interface ArenaMove {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
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
  /** Its pieces, when it lies in several memory regions. */
  readonly arenaPieces?: readonly ArenaPiece[];
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
  /** Lines for the comment at the top of the sources (what it was made from). */
  readonly comment: readonly string[];
  /** Adds `#line` directives to a kernel's statements and calls: the source line of a kernel, if it has one. */
  readonly lineOf?: (kernel: LoweredKernel) => SourceLine | undefined;
  /** Kernels that differ in sizes alone share a function, to which the sizes are passed: less code, somewhat slower. */
  readonly shareSizes?: boolean;
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
   * and `<stem>_output_<i>`. Inside `<stem>_run`, the statement `RELAY_LAYER(i);` stands before each C call, `i` being
   * its place in `marks`, and once more with the number of marks after the last; the macro is empty unless a profiling
   * build defines it beforehand.
   */
  readonly stem: string;
  readonly files: readonly EmittedFile[];
  /** Bytes of constants as stored in flash. */
  readonly constantBytes: number;
  /** The C function of each kernel, in order of first use. */
  readonly functions: readonly string[];
  /** The kernel, by its place in `functions`, that each C call of a run works for; absent: one call each, in order. */
  readonly marks?: readonly number[];
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
  /** The constants are parameters, because other calls share the function. */
  readonly shared?: boolean;
  readonly sizes?: SharedSizes | undefined;
  readonly source?: SourceLine | undefined;
}

/** One file for each set of flags, in order of first use. */
function filesOf(
  kernels: readonly NamedKernel[],
  stem: string,
  header: string,
): { readonly files: EmittedFile[]; readonly texts: KernelText[] } {
  const groups = new Map<string, { flags: readonly string[]; helpers: Helpers; parts: string[] }>();
  const texts = kernels.map(({ kernel, name, comment: lines, shared, sizes, source }) => {
    const key = kernel.flags.join(' ');
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { flags: kernel.flags, helpers: new Helpers(), parts: [] }));
    const own = emitKernel(kernel, group.helpers, {
      name,
      comment: lines,
      linkage: '',
      constantsAsParameters: shared === true,
    });
    const text = sizes === undefined ? own : withSizes(own, sizes);
    // A declaration first, so that strict compilers see the external function announced.
    const body = source === undefined ? text.text : mapBody(source, text.text);
    group.parts.push(`${text.prototype};\n${body}`);
    return text;
  });
  const files = [...groups.values()].map(({ flags, helpers, parts }, i): EmittedFile => {
    const name = `${stem}${i === 0 ? '' : `_${i + 1}`}.c`;
    const sections = [header, prelude, helpers.text(), ...parts].filter((s) => s !== '');
    return { name, text: finishLines(name, `${sections.join('\n\n')}\n`), flags };
  });
  return { files, texts };
}

/** The function with its sizes as further parameters. */
function withSizes(text: KernelText, sizes: SharedSizes): KernelText {
  const parameters = sizes.names.map((name) => `, const int32_t ${name}`).join('');
  const prototype = `${text.prototype.slice(0, -1)}${parameters})`;
  return { ...text, prototype, text: sizes.apply(text.text).replace(text.prototype, () => prototype) };
}

/** C sources and header of a program. The text depends on the specification alone, byte for byte. */
export function emitModule(spec: ModuleSpec): EmittedModule {
  const stem = identifier(spec.name, 'model').toLowerCase();
  const names = new Names();
  const top = comment(spec.comment.length > 0 ? spec.comment : [spec.name]);
  const forms = spec.shareSizes === true ? mergedForms(formsOf(spec.calls)) : formsOf(spec.calls);
  const kernels = forms.map((form): NamedKernel => {
    const [first] = form.calls;
    if (!first) throw new Error('a form without calls');
    const name = names.fresh(`${stem}_${first.kernel.name}`, 'kernel');
    // A function that serves several kernels stands for none of their lines.
    const source = new Set(form.calls.map((c) => c.kernel)).size > 1 ? undefined : spec.lineOf?.(first.kernel);
    const others = [
      ...new Set(form.calls.filter((c) => c.kernel !== first.kernel).map((c) => c.comment[0] ?? c.kernel.name)),
    ];
    const also = others.length > 0 ? ['', 'The same function serves:', ...others.map((o) => `- ${o}`)] : [];
    return {
      kernel: first.kernel,
      name,
      comment: [...first.comment, ...also],
      shared: form.shared,
      sizes: form.sizes,
      source,
    };
  });
  const { files, texts } = filesOf(kernels, `${stem}_kernels`, top);
  const functions = new Map<LoweredKernel, CalledFunction>();
  forms.forEach((form, i) => {
    for (const { kernel } of form.calls)
      functions.set(kernel, {
        text: texts[i] as KernelText,
        constants: form.shared ? kernel.constants : [],
        sizes: form.sizesOf?.get(kernel) ?? [],
      });
  });
  const used = [...new Set(spec.calls.map((c) => c.kernel))];
  const program = programText(spec, stem, top, functions, names);
  return {
    stem,
    files: [
      { name: `${stem}.h`, text: headerText(spec, stem, top) },
      { name: `${stem}.c`, text: program.text, flags: spec.shareSizes === true ? ['-Os'] : [] },
      ...files,
    ],
    constantBytes: texts.reduce((n, t) => n + t.constantBytes, 0) + program.constantBytes,
    functions: used.map((kernel) => functions.get(kernel)?.text.name ?? ''),
    marks: program.marks,
  };
}

/** A function and what a call passes to it beside tensors. */
interface CalledFunction {
  readonly text: KernelText;
  readonly constants: LoweredKernel['constants'];
  readonly sizes: readonly number[];
}

/** Calls whose kernels differ in names and in the values of constants alone share a function. */
interface Form {
  readonly calls: readonly KernelCall[];
  readonly shared: boolean;
  /** The C that the calls share, constants as parameters; with the flags it is compiled with. */
  readonly key: string;
  readonly sizes?: SharedSizes;
  readonly sizesOf?: ReadonlyMap<LoweredKernel, readonly number[]>;
}

function formsOf(calls: readonly KernelCall[]): readonly Form[] {
  const byText = new Map<string, KernelCall[]>();
  const keys = new Map<LoweredKernel, string>();
  const keyOf = (kernel: LoweredKernel): string => {
    const known = keys.get(kernel);
    if (known !== undefined) return known;
    const body = emitKernel(kernel, new Helpers(), { name: 'f', constantsAsParameters: true }).text;
    const key = `${kernel.flags.join(' ')}\n${body}`;
    keys.set(kernel, key);
    return key;
  };
  for (const call of calls) {
    const key = keyOf(call.kernel);
    const same = byText.get(key);
    if (same) same.push(call);
    else byText.set(key, [call]);
  }
  return [...byText].map(([key, list]) => ({
    calls: list,
    key,
    shared: list.some((c) => c.kernel !== list[0]?.kernel) && list.some((c) => c.kernel.constants.length > 0),
  }));
}

/** Forms that differ in sizes alone as one each, in the place of the first. */
function mergedForms(forms: readonly Form[]): readonly Form[] {
  const bySkeleton = new Map<string, Form[]>();
  for (const form of forms) {
    // Without parameters there is nothing to append sizes to.
    const skeleton = form.key.includes('(void)') ? form.key : skeletonOf(form.key);
    const same = bySkeleton.get(skeleton);
    if (same) same.push(form);
    else bySkeleton.set(skeleton, [form]);
  }
  return [...bySkeleton.values()].flatMap((group): readonly Form[] => {
    const sizes = group.length < 2 ? undefined : sharedSizes(group.map((form) => form.key));
    if (sizes === undefined) return group;
    const calls = group.flatMap((form) => form.calls);
    const sizesOf = new Map(
      group.flatMap((form, i) => form.calls.map((c) => [c.kernel, sizes.values[i] ?? []] as const)),
    );
    return [
      { calls, shared: calls.some((c) => c.kernel.constants.length > 0), key: group[0]?.key ?? '', sizes, sizesOf },
    ];
  });
}

function arenaOf(spec: ModuleSpec, stem: string): ArenaText {
  return new ArenaText(stem, spec.arenaPieces ?? [{ start: 0, bytes: spec.arenaBytes }]);
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
      `#define ${stem}_${kind}_${i} ((${cType(t.dtype)} *)(void *)(${arenaOf(spec, stem).outside(t.offset)}))`,
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
    ...arenaOf(spec, stem).declarations(),
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
  kernels: ReadonlyMap<LoweredKernel, CalledFunction>,
  names: Names,
): { readonly text: string; readonly constantBytes: number; readonly marks: readonly number[] } {
  const constants: string[] = [];
  const constantNames = new Map<NDArray, string>();
  let constantBytes = 0;
  const stored = (value: NDArray, buffer: Buffer, stemOfName: string): string => {
    let symbol = constantNames.get(value);
    if (symbol === undefined) {
      symbol = names.fresh(stemOfName, 'constant');
      constantNames.set(value, symbol);
      const emitted = emitConstant(symbol, { ...buffer, align: Math.max(4, buffer.align) }, value);
      constants.push(emitted.text);
      constantBytes += emitted.bytes;
    }
    return symbol;
  };
  const arena = arenaOf(spec, stem);
  const placeText = ({ offset }: ModuleTensor): string => {
    const at = arena.at(offset);
    return `${at.array} + ${at.offset}`;
  };
  const argument = (place: Place, buffer: Buffer, write: boolean): Line => {
    const type = `${write ? '' : 'const '}${cType(buffer.dtype)} *`;
    if (place.kind === 'arena') {
      const at = arena.at(place.offset);
      return [`(${type})(void *)(${at.array} + `, at.offset, ')'];
    }
    return [stored(place.value, buffer, `${stem}_constant`)];
  };
  const used = [...new Set(spec.calls.map((c) => c.kernel))];
  const marks: number[] = [];
  const mark = (kernel: LoweredKernel): Line => ['  RELAY_LAYER(', marks.push(used.indexOf(kernel)) - 1, ');'];
  const linesOf = (call: KernelCall): readonly Line[] => {
    const { kernel } = call;
    const called = kernels.get(kernel);
    const args: Line[] = [
      ...kernel.inputs.map((b, i) => argument(placeOf(call.inputs, i, kernel), b, false)),
      ...kernel.outputs.map((b, i) => argument(placeOf(call.outputs, i, kernel), b, true)),
      ...kernel.scratch.map((b, i) => argument(placeOf(call.scratch, i, kernel), b, true)),
      ...(call.scalars ?? []).map((value) => [value]),
      ...(called?.constants ?? []).map((c) => [stored(c.value, c.buffer, `${stem}_${kernel.name}_${c.buffer.name}`)]),
      ...(called?.sizes ?? []).map((size) => [size]),
    ];
    const source = spec.lineOf?.(kernel);
    const between = args.flatMap((arg, i): Line => (i === 0 ? arg : [', ', ...arg]));
    const statement: Line = [`  ${called?.text.name ?? ''}(`, ...between, ');'];
    const moves = (call.moves ?? []).flatMap(({ from, to, bytes }): Line[] => {
      const [source, target] = [arena.at(from), arena.at(to)];
      const places: Line = [`${target.array} + `, target.offset, `, ${source.array} + `, source.offset];
      return [mark(kernel), ['  move_rows(', ...places, ', ', bytes, ');']];
    });
    const mapped = source === undefined ? [''] : mappedTo(source, ['']);
    return [...moves, mark(kernel), ...mapped.map((line): Line => (line === '' ? statement : [line]))];
  };
  const calls = inTurns(spec.calls).flatMap((turns) => [
    ...titlesOf(turns.flat()),
    ...turnsText(turns.map((turn) => turn.flatMap(linesOf))),
  ]);
  const text = [
    top,
    [`#include "${stem}.h"`, '', '#include <stddef.h>', '#include <string.h>'].join('\n'),
    [...new Set([...kernels.values()].map((k) => `${k.text.prototype};`))].join('\n'),
    ...constants,
    ...arena.definitions(),
    [
      '/* A profiling build may define this beforehand; it stands before each call and after the last. */',
      '#ifndef RELAY_LAYER',
      '#define RELAY_LAYER(index) ((void)0)',
      '#endif',
    ].join('\n'),
    ...(spec.calls.some((c) => (c.moves ?? []).length > 0) ? [moveRows] : []),
    [`void ${stem}_run(void)`, '{', ...calls, `  RELAY_LAYER(${marks.length});`, '}'].join('\n'),
    [
      `void ${stem}_invoke(const void *const inputs[], void *const outputs[])`,
      '{',
      ...(spec.inputs.length === 0 ? ['  (void)inputs;'] : []),
      ...(spec.outputs.length === 0 ? ['  (void)outputs;'] : []),
      ...spec.inputs.map((t, i) => `  memcpy(${placeText(t)}, inputs[${i}], ${tensorBytes(t)});`),
      `  ${stem}_run();`,
      ...spec.outputs.map((t, i) => `  memcpy(outputs[${i}], ${placeText(t)}, ${tensorBytes(t)});`),
      '}',
    ].join('\n'),
  ];
  return { text: finishLines(`${stem}.c`, `${text.join('\n\n')}\n`), constantBytes, marks };
}

/** Not inlined, so that a profile sees each move as the call it is. */
const moveRows = `/* Rows that the next turn reads again move to the start of their window. */
#if defined(__GNUC__)
__attribute__((noinline))
#endif
static void move_rows(uint8_t *to, const uint8_t *from, uint32_t bytes)
{
  memmove(to, from, bytes);
}`;

/** Calls one behind the other that belong to one stream, by turns; others alone. */
function inTurns(calls: readonly KernelCall[]): readonly (readonly (readonly KernelCall[])[])[] {
  const groups: { readonly stream: object | undefined; readonly turns: Map<number, KernelCall[]> }[] = [];
  for (const call of calls) {
    const { stream, index = 0 } = call.turn ?? {};
    let group = groups.at(-1);
    if (group === undefined || stream === undefined || group.stream !== stream)
      groups.push((group = { stream, turns: new Map() }));
    group.turns.set(index, [...(group.turns.get(index) ?? []), call]);
  }
  return groups.map((g) => [...g.turns.values()]);
}

/** A comment that names the kernels of a call, or of the turns of a stream. */
function titlesOf(calls: readonly KernelCall[]): readonly string[] {
  const titles = new Set(calls.flatMap((c) => (c.comment[0] === undefined ? [] : [commentText(c.comment[0])])));
  if (titles.size === 0) return [];
  const isStream = calls[0]?.turn !== undefined;
  return [`  /* ${isStream ? 'Some rows each, in turns: ' : ''}${[...titles].join('; ')} */`];
}

function placeOf(places: readonly Place[], i: number, kernel: LoweredKernel): Place {
  const place = places[i];
  if (!place) throw new Error(`${kernel.name}: no place for buffer ${i}`);
  return place;
}
