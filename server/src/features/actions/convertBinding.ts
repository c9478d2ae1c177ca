import { rangeOf, touches } from '../../snapshot.ts';
import { innermost, replace, type CodeActionRecord } from './action.ts';
import { definitionAround, freshGraphIndex, freshLocal, hasEffect, isPure, usesOf } from './bindings.ts';

/** `%0 = v` becomes `let %v0 = v`. */
export const graphToLet: CodeActionRecord = {
  name: 'Graph binding to let',
  kind: 'refactor.rewrite',
  summary: 'Names a graph binding: the value is bound with `let`, and every use follows.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  %$00 = nn.relu(%x);\n  add(%0, %0)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  let %relu = nn.relu(%x);\n  add(%relu, %relu)\n}',
  },
  offers({ snapshot, range, path }) {
    const binding = innermost(path, 'graph');
    if (!binding || !touches(rangeOf(snapshot, binding.nameSpan), range.start)) return [];
    const { value } = binding;
    // A graph binding is evaluated where it is first used, a let where it stands.
    if (hasEffect(snapshot, value)) return [];
    const base = value.kind === 'call' && value.callee.kind === 'name' ? value.callee.name : 'value';
    const stem = /[A-Za-z_]\w*$/.exec(base)?.[0] ?? 'value';
    const name = `%${freshLocal(snapshot, definitionAround(snapshot, path), stem)}`;
    return [
      {
        title: `Convert %${binding.index} to let ${name}`,
        edits: [
          replace(snapshot, rangeOf(snapshot, binding.nameSpan), `let ${name}`),
          ...usesOf(snapshot, binding).map((use) => replace(snapshot, use, name)),
        ],
      },
    ];
  },
};

/** `let %y = v` becomes `%0 = v`. */
export const letToGraph: CodeActionRecord = {
  name: 'Let to graph binding',
  kind: 'refactor.rewrite',
  summary:
    'Makes a `let` without effect a numbered graph binding, which operators may be fused across. An annotation is dropped.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  let %$0y = nn.relu(%x);\n  add(%y, %y)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  %0 = nn.relu(%x);\n  add(%0, %0)\n}',
  },
  offers({ snapshot, range, path }) {
    const binding = innermost(path, 'let');
    if (!binding || !touches(rangeOf(snapshot, binding.name.span), range.start)) return [];
    if (binding.value.kind === 'missing' || !isPure(binding.value)) return [];
    const name = `%${freshGraphIndex(snapshot, definitionAround(snapshot, path))}`;
    const start = rangeOf(snapshot, binding.span).start;
    const value = rangeOf(snapshot, binding.value.span).start;
    return [
      {
        title: `Convert %${binding.name.text} to the graph binding ${name}`,
        edits: [
          replace(snapshot, { start, end: value }, `${name} = `),
          ...usesOf(snapshot, binding).map((use) => replace(snapshot, use, name)),
        ],
      },
    ];
  },
};
