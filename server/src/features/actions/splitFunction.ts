import type { TextRange } from '../../../../compiler/src/base/span.ts';
import type { Block, Statement } from '../../../../compiler/src/syntax/tree.ts';
import { printType } from '../../../../compiler/src/types/print.ts';
import type { Type } from '../../../../compiler/src/types/type.ts';
import { rangeOf } from '../../snapshot.ts';
import { writable } from './addAnnotation.ts';
import { indentAt, innermost, insertAt, replace, type ActionContext, type CodeActionRecord } from './action.ts';
import { bindingName, freeNames, freshGraphIndex, hasEffect, usesOf, type Binding } from './bindings.ts';

export const splitFunction: CodeActionRecord = {
  name: 'Split off a function',
  kind: 'refactor.extract',
  summary:
    'Moves the selected bindings into a function of their own: what they use becomes its parameters, what is used behind them its result.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  «%0 = nn.relu(%x);\n  %1 = add(%0, 1f);»\n  abs(%1)\n}',
    after:
      'def @part(%x: Tensor[(3), float32]) -> Tensor[(3), float32] {\n  %0 = nn.relu(%x);\n  %1 = add(%0, 1f);\n  %1\n}\n\ndef @main(%x: Tensor[(3), float32]) {\n  %1 = @part(%x);\n  abs(%1)\n}',
  },
  offers(context) {
    const { snapshot, path, range } = context;
    const [outer] = path;
    const chosen = selected(context);
    if (outer?.kind !== 'def' || outer.fn.typeParams.length > 0 || !chosen) return [];
    // Graph bindings are evaluated where they are first used, which may be behind effects that come later.
    if (chosen.some((b) => b.kind === 'graph') && chosen.some((b) => hasEffect(snapshot, b.value))) return [];
    const at: TextRange = {
      start: rangeOf(snapshot, chosen[0]?.span ?? outer.span).start,
      end: Math.max(rangeOf(snapshot, chosen.at(-1)?.span ?? outer.span).end, trimmedEnd(snapshot.text, range)),
    };
    const free = freeNames(snapshot, chosen, at);
    const results = chosen.filter((binding) => usesOf(snapshot, binding).some((use) => use.start >= at.end));
    const resultTypes = results.map((binding) => snapshot.check.typeOf(binding));
    const types = [...free.map((name) => name.type), ...resultTypes];
    if (results.length === 0 || !types.every((type): type is Type => type !== undefined && known(type))) return [];

    // Numbers cannot name parameters, so graph bindings from outside get names inside.
    const inner = free.map(({ text }) => (/^%\d/.test(text) ? `%v${text.slice(1)}` : text));
    if (new Set(inner).size < inner.length) return [];
    let body = snapshot.text.slice(at.start, at.end);
    const renames = free
      .flatMap(({ ranges }, i) => ranges.map((place) => ({ place, name: inner[i] ?? '' })))
      .sort((a, b) => b.place.start - a.place.start);
    for (const { place, name } of renames)
      body = body.slice(0, place.start - at.start) + name + body.slice(place.end - at.start);

    const name = freshGlobal(snapshot.text);
    const names = results.map(bindingName);
    const [only] = names;
    const single = names.length === 1;
    const tuple = (parts: readonly string[]): string => (single ? (parts[0] ?? '') : `(${parts.join(', ')})`);
    const params = free.map(({ type }, i) => `${inner[i] ?? ''}: ${type ? printType(type) : '_'}`).join(', ');
    const ret = tuple(resultTypes.map((type) => (type ? printType(type) : '_')));
    const indent = indentAt(snapshot.text, at.start);
    const place = rangeOf(snapshot, outer.span).start;
    const fn = `def @${name}(${params}) -> ${ret} {\n  ${shifted(body, indent)}\n  ${tuple(names)}\n}\n\n`;
    const call = `@${name}(${free.map(({ text }) => text).join(', ')})`;
    const bind = (binding: Binding, value: string): string =>
      `${binding.kind === 'let' ? 'let ' : ''}${bindingName(binding)} = ${value};`;
    const packed = `%${freshGraphIndex(snapshot, rangeOf(snapshot, outer.span))}`;
    const calls =
      single && results[0]
        ? [bind(results[0], call)]
        : [`${packed} = ${call};`, ...results.map((binding, i) => bind(binding, `${packed}.${i}`))];
    return [
      {
        title: `Split off ${chosen.length === 1 ? `the binding ${only ?? ''}` : `${chosen.length} bindings`} as @${name}`,
        edits: [insertAt(snapshot, place, fn), replace(snapshot, at, calls.join(`\n${indent}`))],
      },
    ];
  },
};

/** The selected bindings: neighbours in the body of the definition, each selected whole. */
function selected({ snapshot, path, range }: ActionContext): readonly Binding[] | undefined {
  if (range.start === range.end) return undefined;
  const block: Block | undefined = innermost(path, 'block');
  if (!block || path.some((node) => node.kind === 'fn' || node.kind === 'arm')) return undefined;
  const touched = block.statements.filter((statement) => {
    const at = rangeOf(snapshot, statement.span);
    return at.start < range.end && range.start < at.end;
  });
  const result = rangeOf(snapshot, block.result.span);
  if (touched.length === 0 || !touched.every(isBinding) || range.end > result.start) return undefined;
  return touched;
}

function isBinding(statement: Statement): statement is Binding {
  return statement.kind === 'let' || statement.kind === 'graph';
}

/** Types that a signature can say without type parameters. */
function known(type: Type): boolean {
  return (
    writable(type) &&
    !JSON.stringify(type, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)).includes('"typevar"')
  );
}

/** The end of the selection, a semicolon that follows it included. */
function trimmedEnd(text: string, range: TextRange): number {
  const end = range.start + text.slice(range.start, range.end).trimEnd().length;
  return text[end] === ';' ? end + 1 : end;
}

function shifted(body: string, indent: string): string {
  return body
    .split('\n')
    .map((line, i) => (i > 0 && line.startsWith(indent) ? `  ${line.slice(indent.length)}` : line))
    .join('\n');
}

function freshGlobal(text: string): string {
  let name = 'part';
  for (let i = 1; new RegExp(`@${name}\\b`).test(text); i++) name = `part_${i}`;
  return name;
}
