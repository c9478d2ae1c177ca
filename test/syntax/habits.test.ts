import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { check } from '../../compiler/src/check/check.ts';
import { applyEdits } from '../../compiler/src/check/repairs/verify.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

const header = '#[version = "0.0.5"]\n';

/**
 * Programs in the habits of other languages and libraries. A block of `habits.txt` is a program with the marked place
 * between ⟦ and ⟧, then `code: message`, `→ remedy`, and, where a repair is offered, `⇒` and the program that it gives.
 */
const blocks = readFileSync(new URL('habits.txt', import.meta.url), 'utf8')
  .split(/^===\n/m)
  .slice(1);

describe('a program in the habits of another language', () => {
  assert.ok(blocks.length > 0);
  for (const block of blocks) {
    const [program = '', told = '', repaired] = block.trimEnd().split(/\n(?=✗ )|\n⇒\n/);
    it(`gets one error that says what to do: ${program.replaceAll('\n', '⏎')}`, () => {
      const text = header + program.replace(/[⟦⟧]/g, '');
      const tree = parseSource(text);
      const found = [...tree.errors, ...check(tree).diagnostics].filter((d) => d.severity !== 'hint');
      const shown = found.map(({ code, span, message, remedy }) => {
        const { start, end } = resolveSpan(tree.anchors, span);
        const marked = `${text.slice(0, start)}⟦${text.slice(start, end)}⟧${text.slice(end)}`.slice(header.length);
        return `${marked}\n✗ ${code}: ${message}\n→ ${remedy ?? ''}`;
      });
      assert.deepEqual(shown, [`${program}\n${told}`]);
      const [fix] = found[0]?.fixes ?? [];
      const next = applyEdits(text, tree, fix?.edits ?? []).text;
      assert.equal(fix && next.slice(header.length), repaired);
      const left = parseSource(next);
      if (fix)
        assert.deepEqual(
          [...left.errors, ...check(left).diagnostics].filter((d) => d.severity === 'error').map((d) => d.message),
          [],
        );
    });
  }
});
