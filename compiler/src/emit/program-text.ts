/** The text of a program around its kernels: header, arena, shared constants, and the calls in order. */
import { counted } from '../base/text.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { elementCount, type NDArray } from '../tensor/ndarray.ts';
import { ArenaText } from './arena.ts';
import type { KernelText } from './c.ts';
import { emitConstant, type ConstantText } from './constants.ts';
import { cType } from './helpers.ts';
import { finishLines, mappedTo } from './lines.ts';
import { commentText, type Names } from './names.ts';
import type { KernelCall, ModuleSpec, ModuleTensor, Place } from './spec.ts';
import { comment, wrapCode } from './text.ts';
import { turnsText, type Line } from './turns.ts';

/** A function and what a call passes to it beside tensors. */
export interface CalledFunction {
  readonly text: KernelText;
  readonly constants: LoweredKernel['constants'];
  readonly sizes: readonly number[];
}

function arenaOf(spec: ModuleSpec, stem: string): ArenaText {
  return new ArenaText(stem, spec.arenaPieces ?? [{ start: 0, bytes: spec.arenaBytes }]);
}

function tensorBytes(t: ModuleTensor): number {
  return elementCount(t.shape) * elementBytes(t.dtype);
}

/** Most that an address in the arena is known to be a multiple of: its union holds an `int64_t`. */
const arenaAlign = 8;

/** The header: tensors, sizes, and how to call the program. */
export function headerText(spec: ModuleSpec, stem: string, top: string): string {
  const upper = stem.toUpperCase();
  const arena = arenaOf(spec, stem);
  const tensors = (kind: 'input' | 'output', list: readonly ModuleTensor[]): string[] =>
    list.flatMap((t, i) => {
      let align = arenaAlign;
      while (arena.at(t.offset).offset % align !== 0) align /= 2;
      const aligned = align === 1 ? '' : ` Aligned to ${align} bytes.`;
      return [
        comment([`${kind} ${i}, ${t.name}: ${t.dtype} (${t.shape.join(', ')}), the last axis innermost.${aligned}`]),
        `#define ${upper}_${kind.toUpperCase()}_${i}_BYTES ${tensorBytes(t)}`,
        `#define ${stem}_${kind}_${i} ${upper}_AT(${cType(t.dtype)}, ${arena.outside(t.offset)})`,
      ];
    });
  const lines = [
    top,
    `#ifndef ${upper}_H`,
    `#define ${upper}_H`,
    '',
    '#include <stdbool.h>',
    '#include <stdint.h>',
    '',
    '#ifdef __cplusplus',
    `#define ${upper}_AT(type, place) (static_cast<type *>(static_cast<void *>(place)))`,
    'extern "C" {',
    '#else',
    `#define ${upper}_AT(type, place) ((type *)(void *)(place))`,
    '#endif',
    '',
    '/*',
    ' * Static memory of the program for activations, inputs and outputs; there is no heap. Callers may write the inputs',
    ' * before a run and read the outputs after it, until the next one; all else in it belongs to the program.',
    ' */',
    `#define ${upper}_ARENA_BYTES ${spec.arenaBytes}`,
    `#define ${upper}_INPUTS ${spec.inputs.length}`,
    `#define ${upper}_OUTPUTS ${spec.outputs.length}`,
    '',
    ...arena.declarations(),
    '',
    ...tensors('input', spec.inputs),
    ...tensors('output', spec.outputs),
    '',
    '/*',
    ' * Runs the program once. Write every input before each run: their memory may hold other values afterwards. One run at',
    ' * a time: not re-entrant, neither from an interrupt nor from a second thread. Other programs have memory of their own.',
    ' */',
    `void ${stem}_run(void);`,
    '',
    '/*',
    ` * The same with the caller's buffers: copies ${counted(spec.inputs.length, 'input')} in and ${counted(spec.outputs.length, 'output')} out, each with as many bytes as`,
    " * said above. The buffers stay the caller's; they need no alignment and must not lie in the arena.",
    ' */',
    `void ${stem}_invoke(const void *const inputs[], void *const outputs[]);`,
    '',
    '#ifdef __cplusplus',
    '}',
    '#endif',
    '',
    `#endif /* ${upper}_H */`,
  ];
  return `${wrapCode(lines).join('\n')}\n`;
}

/** The program's file: arena, shared constants, and the function that calls the kernels in order. */
export function programText(
  spec: ModuleSpec,
  stem: string,
  top: string,
  kernels: ReadonlyMap<LoweredKernel, CalledFunction>,
  names: Names,
): { readonly text: string; readonly constantBytes: number; readonly marks: readonly number[] } {
  const constants: ConstantText[] = [];
  const constantNames = new Map<NDArray, string>();
  const stored = (value: NDArray, buffer: Buffer, stemOfName: string, owner?: string): string => {
    let symbol = constantNames.get(value);
    if (symbol === undefined) {
      symbol = names.fresh(stemOfName, 'constant');
      constantNames.set(value, symbol);
      constants.push(emitConstant(symbol, { ...buffer, align: Math.max(4, buffer.align) }, value, owner));
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
      ...(called?.constants ?? []).map((c) => [
        stored(c.value, c.buffer, `${stem}_${kernel.name}_${c.buffer.name}`, call.comment[0]),
      ]),
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
    wrapCode([...new Set([...kernels.values()].map((k) => `${k.text.prototype};`))]).join('\n'),
    ...declarationsSection(constants),
    ...arena.definitions(),
    [
      '/* A profiling build may define this beforehand; it stands before each call and after the last. */',
      '#ifndef RELAY_LAYER',
      '#define RELAY_LAYER(index) ((void)0)',
      '#endif',
    ].join('\n'),
    ...(spec.calls.some((c) => (c.moves ?? []).length > 0) ? [moveRows] : []),
    [`void ${stem}_run(void)`, '{', ...wrapCode(calls), `  RELAY_LAYER(${marks.length});`, '}'].join('\n'),
    wrapCode([
      `void ${stem}_invoke(const void *const inputs[], void *const outputs[])`,
      '{',
      ...(spec.inputs.length === 0 ? ['  (void)inputs;'] : []),
      ...(spec.outputs.length === 0 ? ['  (void)outputs;'] : []),
      ...spec.inputs.map((t, i) => `  memcpy(${placeText(t)}, inputs[${i}], ${tensorBytes(t)});`),
      `  ${stem}_run();`,
      ...spec.outputs.map((t, i) => `  memcpy(outputs[${i}], ${placeText(t)}, ${tensorBytes(t)});`),
      '}',
    ]).join('\n'),
    ...valuesSection(constants.map((c) => c.definition)),
  ];
  const constantBytes = constants.reduce((n, c) => n + c.bytes, 0);
  return { text: finishLines(`${stem}.c`, `${text.join('\n\n')}\n`), constantBytes, marks };
}

/** What constants a file has. */
function declarationsSection(constants: readonly ConstantText[]): readonly string[] {
  if (constants.length === 0) return [];
  const lines = [
    '/* Constants; their values stand at the end of this file. */',
    ...constants.map((c) => c.declaration),
  ];
  return [lines.join('\n')];
}

/** The end of a file: arrays that are declared above, with their values. */
export function valuesSection(definitions: readonly string[]): readonly string[] {
  return definitions.length === 0 ? [] : ['/* The values of the constants that are declared above. */', ...definitions];
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
