/** The end of a definition: types resolved to a fixpoint, and what stayed unknown reported once, at its root. */
import type { Span } from '../base/span.ts';
import { printType } from '../types/print.ts';
import type { Type } from '../types/type.ts';
import type { Chunk } from './chunk.ts';
import type { Context, Relation } from './context.ts';
import { solve } from './relations.ts';

interface Typed {
  readonly kind: string;
  readonly span: Span;
  readonly name?: { readonly text: string; readonly span: Span } | string;
}

/** Nodes that carry a type without being a value of their own. */
const silentKinds = new Set([
  'wildcard',
  'tuplepattern',
  'ctorpattern',
  'arm',
  'name',
  'namedtype',
  'holetype',
  'block',
]);

/** Reports each placeholder that is some node's whole type, at the binder if there is one, and poisons it. */
export function reportUnsolved(cx: Context, chunks: readonly Chunk[]): void {
  if (cx.solver.openCount === 0 && cx.pending.size === 0) return;
  const binders = new Set(['param', 'varpattern', 'free_var']);
  report(cx, chunks, (node) => binders.has(node.kind));
  drain(cx);
  for (const relation of [...cx.pending]) reportStuck(cx, relation);
  report(cx, chunks, (node) => !binders.has(node.kind) && !silentKinds.has(node.kind));
  drain(cx);
}

function report(cx: Context, chunks: readonly Chunk[], wanted: (node: Typed) => boolean): void {
  const spoiled = cx.spoiledTypes();
  for (const chunk of chunks) {
    cx.chunk = chunk;
    for (const [key, type] of chunk.types) {
      if (type.kind !== 'incomplete') continue;
      const found = cx.find(type);
      if (found.kind !== 'incomplete') continue;
      const node = key as Typed;
      if (!wanted(node)) continue;
      if (spoiled.has(found)) {
        cx.poison(found);
        solve(cx);
        continue;
      }
      const name = typeof node.name === 'object' ? node.name.text : undefined;
      const what = name === undefined || name === '' ? 'this expression' : `\`%${name}\``;
      cx.report(
        'cannot-infer',
        typeof node.name === 'object' ? node.name.span : node.span,
        `The type of ${what} cannot be inferred.`,
        {
          remedy: name === undefined ? 'Annotate the types of what it is made of.' : `Annotate it: \`%${name}: …\`.`,
        },
      );
      cx.poison(found);
      solve(cx);
    }
  }
}

/** Relations that only waited for something that is now known to be in error are done with. */
function drain(cx: Context): void {
  for (let again = true; again;) {
    again = false;
    for (const relation of [...cx.pending]) {
      const before = cx.pending.size;
      cx.queue.push(relation);
      solve(cx);
      if (cx.pending.size < before) again = true;
    }
  }
}

/** All is known and the operator still cannot tell: it does not apply to such arguments. */
function reportStuck(cx: Context, relation: Relation): void {
  if (!cx.pending.has(relation) || !relation.result) return;
  const result = cx.find(relation.result);
  if (result.kind !== 'incomplete') return;
  const inputs = relation.inputs.map((type) => cx.resolve(type));
  if (inputs.some((type) => type.kind === 'incomplete')) return;
  const shown = inputs.map((type) => `\`${printType(type)}\``).join(', ');
  const name = relation.work.kind === 'operator' ? `\`${relation.work.operator.name}\`` : 'the projection';
  cx.chunk = relation.chunk;
  cx.report('cannot-infer', relation.span, `The result of ${name} cannot be inferred from ${shown}.`, {
    remedy: 'Pass tensors of known types, or annotate what is not known.',
  });
  cx.pending.delete(relation);
  cx.poison(result);
  solve(cx);
}

/** Replaces every type in the chunk by what it was solved to. */
export function resolveChunk(cx: Context, chunk: Chunk): void {
  for (const [node, type] of chunk.types) {
    const resolved = cx.resolve(type);
    if (resolved !== type) chunk.types.set(node, resolved);
  }
  for (const { binding } of chunk.graphs) binding.type = cx.resolve(binding.type);
  for (const local of chunk.locals) local.type = cx.resolve(local.type);
  for (const dependency of chunk.dependencies)
    if (dependency.type) dependency.type = cx.resolve(dependency.type) satisfies Type;
}
