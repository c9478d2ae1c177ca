import type { TextRange } from '../../../../compiler/src/base/span.ts';
import type { Node } from '../../../../compiler/src/syntax/tree.ts';
import { walk } from '../../../../compiler/src/syntax/walk.ts';
import { rangeOf, type CheckedSnapshot } from '../../snapshot.ts';
import { pathAt } from '../../locate.ts';
import { innermost, replace, wholeStatement, type CodeActionRecord, type Offer } from './action.ts';
import { bindingName, isPure, usesByBinding, type Binding } from './bindings.ts';

export const removeDead: CodeActionRecord = {
  name: 'Remove dead bindings',
  kind: 'quickfix',
  summary:
    'Removes a binding that nothing uses, or all of a function’s, those included that only dead bindings used. Values with effects stay.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  let %a = nn.relu(%x);\n  let %$0b = add(%a, %a);\n  abs(%x)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  abs(%x)\n}',
    title: 'Remove all',
  },
  offers({ snapshot, diagnostics }) {
    const offers: Offer[] = [];
    for (const diagnostic of diagnostics) {
      if (diagnostic.code !== 'unused-binding') continue;
      const path = pathAt(snapshot, rangeOf(snapshot, diagnostic.span).start);
      const binding = innermost(path, 'let', 'graph');
      const [outer] = path;
      if (!binding || !outer || !isPure(binding.value)) continue;
      offers.push({
        title: `Remove ${bindingName(binding)}`,
        edits: [replace(snapshot, wholeStatement(snapshot.text, rangeOf(snapshot, binding.span)), '')],
        diagnostic,
        preferred: true,
      });
      const dead = deadBindings(snapshot, outer);
      if (dead.length > 1)
        offers.push({
          title: `Remove all ${dead.length} dead bindings`,
          edits: outermost(dead.map((b) => wholeStatement(snapshot.text, rangeOf(snapshot, b.span)))).map((range) =>
            replace(snapshot, range, ''),
          ),
          diagnostic,
        });
    }
    return offers;
  },
};

/** Bindings without effect that no living code uses, in one definition. */
function deadBindings(snapshot: CheckedSnapshot, definition: Node): readonly Binding[] {
  const all: { readonly binding: Binding; readonly range: TextRange; readonly uses: readonly TextRange[] }[] = [];
  const uses = usesByBinding(snapshot, definition);
  walk(definition, (node) => {
    if ((node.kind === 'let' || node.kind === 'graph') && isPure(node.value))
      all.push({ binding: node, range: rangeOf(snapshot, node.span), uses: uses.get(node) ?? [] });
  });
  const dead: typeof all = [];
  // Uses come behind their bindings, so one pass from the end sees every dead user first.
  for (const entry of all.toSorted((a, b) => b.range.start - a.range.start)) {
    const unused = entry.uses.every((use) =>
      dead.some(({ range }) => range.start <= use.start && use.end <= range.end),
    );
    if (unused) dead.push(entry);
  }
  return dead.map(({ binding }) => binding);
}

function outermost(ranges: readonly TextRange[]): readonly TextRange[] {
  return ranges.filter(
    (range) => !ranges.some((other) => other !== range && other.start <= range.start && range.end <= other.end),
  );
}
