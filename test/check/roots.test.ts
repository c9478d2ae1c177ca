import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { resolveSpan, type TextRange } from '../../compiler/src/base/span.ts';
import { check } from '../../compiler/src/check/check.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { CallExpr, SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { Diagnostic } from '../../compiler/src/base/diagnostic.ts';
import { header } from './support.ts';

/** Programs of this project: its examples, those of every operator, and some in which much hangs on one call. */
const programs: readonly string[] = [
  ...['keyword_spotting', 'control_flow'].map((name) =>
    readFileSync(new URL(`../../examples/${name}/${name}.relay`, import.meta.url), 'utf8'),
  ),
  ...operatorRegistry.all().flatMap((operator) => (operator.examples ?? []).map(({ source }) => header + source)),
  `${header}def @main(%x: Tensor[(1, 8, 8, 4), float32], %w, %b, %g, %m, %v) {
  %0 = nn.conv2d(%x, %w, kernel_size=[3, 3], channels=8, data_layout="NHWC", kernel_layout="HWIO");
  %1 = nn.bias_add(%0, %b, axis=3);
  %2 = nn.batch_norm(%1, %g, %b, %m, %v, axis=3);
  %3 = nn.relu(%2.0);
  %4 = mean(%3, axis=[1, 2]);
  (nn.softmax(%4), %0, concatenate((%3, %1), axis=0))
}`,
  `${header}def @cell(%x: Tensor[(1, 4), float32], %h: Tensor[(1, 8), float32], %w, %u) {
  let %i = nn.dense(%x, %w, units=8);
  let %r = nn.dense(%h, %u, units=8);
  let %f = fn (%a, %b) { sigmoid(add(%a, %b)) };
  let %o = %f(%i, %r);
  (multiply(%o, tanh(%i)), %o)
}
def @main(%x: Tensor[(1, 4), float32], %h: Tensor[(1, 8), float32], %w, %u) {
  let %s = @cell(%x, %h, %w, %u);
  let %t = @cell(%x, %s.0, %w, %u);
  subtract(%t.0, %s.1)
}`,
  `${header}def @sum(%xs: List[Tensor[(2), float32]]) -> Tensor[(2), float32] {
  match (%xs) {
    Cons(%h, %t) => add(%h, @sum(%t)),
    Nil => zeros(shape=[2], dtype="float32"),
  }
}
def @main(%x: Tensor[(2), float32]) { exp(@sum(Cons(%x, Cons(negative(%x), Nil)))) }`,
];

interface Program {
  readonly text: string;
  readonly tree: SourceTree;
  readonly calls: readonly CallExpr[];
}

function callsOf(tree: SourceTree): CallExpr[] {
  const calls: CallExpr[] = [];
  const stack: unknown[] = [tree.expression, ...tree.definitions];
  while (stack.length > 0) {
    const node = stack.pop();
    if (typeof node !== 'object' || node === null) continue;
    if ('kind' in node && node.kind === 'call') calls.push(node as CallExpr);
    for (const [key, value] of Object.entries(node)) if (!/[sS]pan$/.test(key)) stack.push(value);
  }
  return calls;
}

/** Edits of one call: the range of the text and what stands there instead; undefined where they do not apply. */
type Slip = (program: Program, call: CallExpr) => (TextRange & { readonly newText: string }) | undefined;

const insertAt = (at: number, newText: string): ReturnType<Slip> => ({ start: at, end: at, newText });
const place = ({ tree }: Program, node: { readonly span: Parameters<typeof resolveSpan>[1] }): TextRange =>
  resolveSpan(tree.anchors, node.span);

const slips: readonly (readonly [string, Slip])[] = [
  [
    'a wrong name of what is called',
    (p, call) =>
      call.callee.kind === 'name' || call.callee.kind === 'global'
        ? insertAt(place(p, call.callee).end, '_zq')
        : undefined,
  ],
  [
    'a wrong name of a variable',
    (p, call) => {
      const variable = call.args.find((arg) => arg.kind === 'local' || arg.kind === 'graphref');
      return variable && { ...place(p, variable), newText: '%zq' };
    },
  ],
  [
    'an argument left out',
    (p, call) => {
      const [first, second] = call.args;
      if (!first) return undefined;
      const { start, end } = place(p, first);
      const next = second ?? call.attrs[0];
      return { start, end: next ? place(p, next).start : end, newText: '' };
    },
  ],
  [
    'an argument too many',
    (p, call) => {
      const [first] = call.args;
      if (!first) return undefined;
      const { start, end } = place(p, first);
      return insertAt(start, `${p.text.slice(start, end)}, `);
    },
  ],
  [
    'a wrong name of an attribute',
    (p, call) => (call.attrs[0] ? insertAt(place(p, call.attrs[0].key).end, '_zq') : undefined),
  ],
  [
    'an attribute of the wrong kind',
    (p, call) => call.attrs[0] && { ...place(p, call.attrs[0].value), newText: '[["q"]]' },
  ],
];

function errorsOf(text: string): { readonly tree: SourceTree; readonly errors: readonly Diagnostic[] } {
  const tree = parseSource(text);
  const errors = [...tree.errors, ...check(tree).diagnostics].filter((d) => d.severity === 'error');
  return { tree, errors };
}

describe('one slip in one call', () => {
  const sound: Program[] = programs
    .map((text) => ({ text, ...errorsOf(text) }))
    .filter(({ errors }) => errors.length === 0)
    .map(({ text, tree }) => ({ text, tree, calls: callsOf(tree) }));

  it('is tried on programs without errors', () => {
    assert.ok(sound.length > 100 && sound.length >= programs.length - 2, `${sound.length} of ${programs.length}`);
  });

  for (const [what, slip] of slips)
    it(`is one error on that call: ${what}`, function () {
      this.timeout(60_000);
      let tried = 0;
      const wrong: string[] = [];
      for (const program of sound)
        for (const call of program.calls) {
          const edit = slip(program, call);
          if (!edit) continue;
          const { start, end, newText } = edit;
          const text = program.text.slice(0, start) + newText + program.text.slice(end);
          const { tree, errors } = errorsOf(text);
          const at = place(program, call);
          const bound = at.end + newText.length - (end - start);
          const [found] = errors;
          // What is left may be a good call as well: of a variadic operator, or of one with optional parts.
          if (!found) continue;
          tried++;
          const range = resolveSpan(tree.anchors, found.span);
          if (errors.length === 1 && range.start >= at.start && range.end <= bound) continue;
          wrong.push(`${text.slice(at.start, bound)}\n  ${errors.map((d) => `${d.code}: ${d.message}`).join('\n  ')}`);
        }
      assert.ok(tried > 50, `${tried}`);
      assert.deepEqual(wrong, []);
    });
});
