import type { Expr } from '../../../../compiler/src/syntax/tree.ts';
import { rangeOf, textOf, touches } from '../../snapshot.ts';
import { innermost, replace, wholeStatement, type CodeActionRecord } from './action.ts';
import { bindingName, freeNames, isPure, meanTheSameAt, usesOf } from './bindings.ts';

/** Expressions that need no parentheses wherever they are put. */
const closed: ReadonlySet<Expr['kind']> = new Set<Expr['kind']>([
  ...(['int', 'float', 'bool', 'local', 'graphref', 'global', 'name', 'meta', 'tuple', 'paren', 'call'] as const),
]);

export const inlineBinding: CodeActionRecord = {
  name: 'Inline a binding',
  kind: 'refactor.inline',
  summary:
    'Puts the value of a `let` or graph binding where its name is used and removes the binding. Offered when the value has no effect and its names mean the same at every use.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  %$00 = %x + 1f;\n  nn.relu(%0)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  nn.relu((%x + 1f))\n}',
  },
  offers({ snapshot, range, path }) {
    const binding = innermost(path, 'let', 'graph');
    if (!binding) return [];
    const name = rangeOf(snapshot, binding.kind === 'graph' ? binding.nameSpan : binding.name.span);
    if (!touches(name, range.start)) return [];
    const uses = usesOf(snapshot, binding);
    const { value } = binding;
    if (uses.length === 0 || value.kind === 'missing' || !isPure(value)) return [];
    const at = rangeOf(snapshot, value.span);
    const names = freeNames(snapshot, [value], at);
    if (!uses.every((use) => meanTheSameAt(snapshot, names, use.start))) return [];
    const text = textOf(snapshot, value.span);
    const inserted = closed.has(value.kind) ? text : `(${text})`;
    const removed = wholeStatement(snapshot.text, rangeOf(snapshot, binding.span));
    return [
      {
        title: `Inline ${bindingName(binding)}`,
        edits: [replace(snapshot, removed, ''), ...uses.map((use) => replace(snapshot, use, inserted))],
      },
    ];
  },
};
