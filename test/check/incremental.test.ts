import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import { printType } from '../../compiler/src/types/print.ts';
import { header } from './support.ts';

const program = `${header}type Box[T] { MkBox(T), Empty }
def @scale(%x: Tensor[(2, 3), float32], %f: float32) -> Tensor[(2, 3), float32] { multiply(%x, %f) }
def @twice(%x: Tensor[(2, 3), float32]) { @scale(@scale(%x, 2f), 2f) }
def @main(%x: Tensor[(2, 3), float32], %y: Tensor[(3), float32], %c: bool) {
  %0 = add(%x, %y);
  %1 = nn.relu(%0);
  let %a = @twice(%1);
  let %f = fn (%v) { add(%v, %y) };
  %2 = transpose(%a, axes=[1, 0]);
  let %b = if (%c) { MkBox(%2) } else { Empty };
  let %z: Tensor[(2, 3), float32] = %f(%a);
  %3 = match (%b) { MkBox(%t) => sum(%t), Empty => 0f };
  (%3, %z, %b)
}
`;

/** Everything that a user sees of a result, as text. */
function seen(result: CheckResult): string {
  const where = (d: CheckResult['diagnostics'][number]): string => {
    const range = resolveSpan(result.tree.anchors, d.span);
    const related = (d.related ?? []).map((r) => JSON.stringify(resolveSpan(result.tree.anchors, r.span)));
    return `${d.severity} ${d.code} ${range.start}-${range.end} ${d.message} ${related.join()}`;
  };
  const globals = [...result.globals].map(([name, type]) => `${name}: ${printType(type)}`);
  return [...globals, ...result.diagnostics.map(where).sort(), ...typesOf(result)].join('\n');
}

function typesOf(result: CheckResult): string[] {
  const lines: string[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    if ('kind' in node && 'span' in node) {
      const type = result.typeOf(node as never);
      const symbol = result.symbolOf(node as never);
      if (type || symbol) {
        const definition = symbol && 'definition' in symbol ? symbol.definition : undefined;
        const at = definition ? resolveSpan(result.tree.anchors, definition.span).start : '';
        lines.push(`${node.kind} ${type ? printType(type) : ''} ${symbol?.kind ?? ''} ${at}`);
      }
    }
    for (const [key, value] of Object.entries(node)) if (!/[sS]pan$/.test(key)) visit(value);
  };
  visit(result.tree.definitions);
  return lines;
}

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

function apply(tree: SourceTree, text: string, edit: Edit): { readonly tree: SourceTree; readonly text: string } {
  const start = Math.min(edit.at % (text.length + 1), text.length);
  const end = Math.min(text.length, start + edit.remove);
  const next = text.slice(0, start) + edit.insert + text.slice(end);
  return { tree: reparse(tree, text, next, [{ start, end, newLength: edit.insert.length }]), text: next };
}

const edits = fc.array(
  fc.record({
    at: fc.integer({ min: header.length, max: program.length }),
    remove: fc.integer({ min: 0, max: 3 }),
    insert: fc.constantFrom('', ' ', '1', '%x', ';', ')', '(', 'f', 'let %q = 1; ', '%9 = exp(%x);\n', '"', '}'),
  }),
  { minLength: 1, maxLength: 4 },
);

describe('checking again after edits', () => {
  it('finds exactly what a fresh check finds', () => {
    fc.assert(
      fc.property(edits, (list) => {
        let text = program;
        let tree = parseSource(text);
        let result = check(tree);
        for (const edit of list) {
          ({ tree, text } = apply(tree, text, edit));
          result = check(tree, { previous: result });
          assert.equal(seen(result), seen(check(tree)));
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('keeps the types of statements that an edit does not reach', () => {
    const tree = parseSource(program);
    const before = check(tree);
    const at = program.indexOf('sum(%t)');
    const edited = apply(tree, program, { at, remove: 3, insert: 'max' });
    const after = check(edited.tree, { previous: before });
    const first = (t: SourceTree): never => {
      const main = t.definitions.find((d) => d.kind === 'def' && d.name.text === 'main');
      return (main?.kind === 'def' ? main.fn.body.statements[0] : undefined) as never;
    };
    assert.equal(first(edited.tree), first(tree));
    assert.equal(after.typeOf(first(edited.tree)), before.typeOf(first(tree)));
  });

  it('reads the constant behind a number again when only its value changed', () => {
    const text = `${header}def @main() {\n  %0 = 1;\n  %1 = %0;\n  %2 = 7 / %1;\n  %2\n}\n`;
    const tree = parseSource(text);
    const before = check(tree);
    assert.deepEqual(
      before.diagnostics.map(({ code }) => code),
      [],
    );
    const edited = apply(tree, text, { at: text.indexOf('1;'), remove: 1, insert: '0' });
    const after = check(edited.tree, { previous: before });
    assert.equal(seen(after), seen(check(edited.tree)));
    assert.ok(after.diagnostics.some(({ code }) => code === 'division-by-zero'));
  });

  it('keeps the names of a tuple that stands where one name should', () => {
    const text = `${header}def @main(%x: int32) {\n  let (%a, %b) = (%x, 2f);\n  let %c = 1;\n  (%a, %b)\n}\n`;
    const tree = parseSource(text);
    const edited = apply(tree, text, { at: text.indexOf('1;'), remove: 1, insert: '3' });
    const after = check(edited.tree, { previous: check(tree) });
    assert.equal(seen(after), seen(check(edited.tree)));
    assert.deepEqual(
      after.diagnostics.filter(({ severity }) => severity === 'error'),
      [],
    );
    assert.match(seen(after), /\(int32, float32\)/);
  });

  it('applies the operator that a number stands for now', () => {
    const text = `${header}def @main(%x: int32) {\n  %0 = add;\n  %1 = %0(%x, 1);\n  %1\n}\n`;
    const tree = parseSource(text);
    const edited = apply(tree, text, { at: text.indexOf('add'), remove: 3, insert: 'equal' });
    const after = check(edited.tree, { previous: check(tree) });
    assert.equal(seen(after), seen(check(edited.tree)));
    assert.match(seen(after), /bool/);
  });

  it('says the same of text that is no program, checked anew or from what was known', () => {
    const known = check(parseSource(program));
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.nat(), (junk, seed) => {
        const at = seed % program.length;
        const tree = parseSource(program.slice(0, at) + junk + program.slice(at));
        assert.equal(seen(check(tree, { previous: known })), seen(check(tree)));
      }),
      { numRuns: 300, seed: 11 },
    );
  });
});
