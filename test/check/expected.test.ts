import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import {
  expectedDiagnostics,
  formatExpected,
  placeDiagnostics,
  type PlacedDiagnostic,
  type Verification,
} from '../../compiler/src/check/expected.ts';
import { catalogue, syntaxCatalogue } from '../../compiler/src/check/catalogue.ts';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { header } from './support.ts';

function placed(text: string): readonly PlacedDiagnostic[] {
  const tree = parseSource(text);
  return placeDiagnostics(tree.anchors, [...tree.errors, ...check(tree).diagnostics]);
}

function verify(text: string): Verification {
  return expectedDiagnostics(text, placed(text));
}

/** What is missing (`-`) and what was not expected (`+`), as lines. */
function differences(body: string): string[] {
  const { missing, unexpected, malformed } = verify(header + body);
  return [
    ...missing.map((e) => `-${e.line} ${e.severity} ${e.count} ${e.text}`),
    ...unexpected.map((d) => `+${d.code}`),
    ...malformed.map((m) => m.message),
  ];
}

function withComments(text: string): string {
  let result = text;
  for (const { offset, newText } of [...formatExpected(text, placed(text))].reverse())
    result = result.slice(0, offset) + newText + result.slice(offset);
  return result;
}

describe('expected-diagnostic comments', () => {
  const agreeing: readonly (readonly [string, string])[] = [
    ['on the line', 'def @f() { %y } // expected-error {{unknown-local}}'],
    ['on the line above', '// expected-error@+1 {{unknown-local}}\ndef @f() { %y }'],
    ['by name of the side', '// expected-error@below {{unknown-local}}\ndef @f() { %y }'],
    ['below', 'def @f() { %y }\n// expected-error@-1 {{unknown-local}}'],
    ['by line of the file', 'def @f() { %y }\n// expected-error@2 {{unknown-local}}'],
    ['by a part of the message', 'def @f() { %y } // expected-error {{`%y`}}'],
    ['by code and a part of the message', 'def @f() { %y } // expected-error {{unknown-local: `%y`}}'],
    ['several at once', 'def @f() { (%y, 1 + 2f) } // expected-error {{`%y`}} expected-error {{dtype-mismatch}}'],
    ['counted', 'def @f() { (%y, %z) } // expected-error 2 {{unknown-local}}'],
    ['in block comments', 'def @f() { /* expected-error {{unknown-local}} */ %y }'],
    ['of hints', 'def @f() { let %a = 1; 2 } // expected-hint {{unused-binding}}'],
    ['that say there are none', '// expected-no-diagnostics\ndef @f() { 1 }'],
  ];
  for (const [what, body] of agreeing)
    it(`agree ${what}`, () => {
      assert.deepEqual(differences(body), []);
      assert.ok(verify(header + body).directives > 0);
    });

  const differing: readonly (readonly [string, string, readonly string[]])[] = [
    ['nothing is wrong', 'def @f() { 1 } // expected-error {{unknown-local}}', ['-1 error 1 unknown-local']],
    ['nothing is expected', 'def @f() { %y }', ['+unknown-local']],
    [
      'the severity differs',
      'def @f() { %y } // expected-warning {{unknown-local}}',
      ['-1 warning 1 unknown-local', '+unknown-local'],
    ],
    ['there are more than counted', 'def @f() { (%y, %z) } // expected-error {{unknown-local}}', ['+unknown-local']],
    ['there are fewer', 'def @f() { %y } // expected-error 2 {{unknown-local}}', ['-1 error 1 unknown-local']],
    [
      'a code is only the beginning of another',
      'def @f() { %y } // expected-error {{unknown-loc}}',
      ['-1 error 1 unknown-loc', '+unknown-local'],
    ],
    ['there are diagnostics after all', '// expected-no-diagnostics\ndef @f() { %y }', ['+unknown-local']],
  ];
  for (const [what, body, expected] of differing)
    it(`differ when ${what}`, () => {
      assert.deepEqual(differences(body), expected);
    });

  it('tell how to write what cannot be read', () => {
    for (const comment of [
      'expected-eror {{a-b}}',
      'expected-error@+99 {{a-b}}',
      'expected-error@+1',
      'expected-error@x {{a-b}}',
      'expected-error 0 {{a-b}}',
    ])
      assert.equal(verify(`${header}def @f() { 1 } // ${comment}`).malformed.length, 1, comment);
  });
  it('are not looked for in strings and prose', () => {
    const found = verify(`${header}// the expected-error case\ndef @f() { cast(1, dtype="expected-error {{a-b}}") }`);
    assert.equal(found.directives + found.malformed.length, 0);
  });
  it('point at what is written', () => {
    const text = `${header}def @f() { 1 } // expected-error {{unknown-local}}`;
    const [missing] = verify(text).missing;
    assert.equal(text.slice(missing?.range.start, missing?.range.end), 'expected-error {{unknown-local}}');
  });
});

describe('inserted expected-diagnostic comments', () => {
  for (const entry of [...catalogue, ...syntaxCatalogue])
    it(`make the wrong program of ${entry.code} agree`, () => {
      const text = entry.whole === true ? entry.wrong : header + entry.wrong;
      const result = withComments(text);
      const { missing, unexpected, malformed } = verify(result);
      assert.deepEqual({ missing, unexpected, malformed }, { missing: [], unexpected: [], malformed: [] }, result);
      assert.deepEqual(formatExpected(result, placed(result)), []);
    });
  it('leave comments that point to other lines right', () => {
    const text = `${header}// expected-error@+2 {{unknown-local}}\ndef @g() { 1 + 2f }\ndef @f() { %y }\r\n`;
    const result = withComments(text);
    assert.equal(result, text.replace('2f }', '2f } // expected-error {{dtype-mismatch}}'));
  });
  it('agree for any places', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('%y', '1', '(%y, %z)', '1 + 2f', 'let %a: bool = 1; 2')), (bodies) => {
        const text = header + bodies.map((body, i) => `def @f${i}() { ${body} }`).join('\n');
        const { missing, unexpected } = verify(withComments(text));
        assert.equal(missing.length + unexpected.length, 0);
      }),
      { numRuns: 30, seed: 1 },
    );
  });
  it('keep the place of what they are about', () => {
    const text = `${header}def @f() { %y }`;
    const tree = parseSource(text);
    const [found] = check(tree).diagnostics;
    assert.ok(found);
    assert.deepEqual(placed(text)[0]?.start, resolveSpan(tree.anchors, found.span).start);
  });
});
