import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { catalogue, catalogueEntry, syntaxCatalogue } from '../../compiler/src/check/catalogue.ts';
import type { CatalogueEntry } from '../../compiler/src/check/catalogue.ts';
import { check } from '../../compiler/src/check/check.ts';
import type { Diagnostic } from '../../compiler/src/base/diagnostic.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { corpus } from '../syntax/support.ts';
import { header } from './support.ts';

function findings(text: string): readonly Diagnostic[] {
  const tree = parseSource(text);
  const imports = (path: string) => (path === 'this.relay' ? tree : undefined);
  return [...tree.errors, ...check(tree, { imports }).diagnostics].filter((d) => d.severity !== 'hint');
}

const whole = (entry: CatalogueEntry, body: string): string => (entry.whole ? body : header + body);

describe('the catalogue of syntax errors', () => {
  for (const entry of syntaxCatalogue) {
    it(`shows ${entry.code} for its wrong program`, () => {
      const found = findings(whole(entry, entry.wrong)).map((d) => d.code);
      assert.ok(found.includes(entry.code), found.join(', '));
    });
    it(`shows nothing for the right program of ${entry.code}`, () => {
      assert.deepEqual(
        findings(whole(entry, entry.right)).map((d) => `${d.code}: ${d.message}`),
        [],
      );
    });
  }

  it('names each code once', () => {
    const codes = [...catalogue, ...syntaxCatalogue].map((entry) => entry.code);
    assert.equal(new Set(codes).size, codes.length);
  });

  it('has an entry for everything that real and broken programs show', function () {
    this.timeout(120_000);
    const programs = ['tvm-suite', 'generated'].flatMap((name) => corpus(name).filter((_, i) => i % 7 === 0));
    if (programs.length === 0) {
      console.log('      the conformance corpora are absent beside the project');
      return this.skip();
    }
    const unknown = new Set<string>();
    programs.forEach(({ text }, i) => {
      const cut = (i * 7919) % text.length;
      for (const version of [text, text.slice(0, cut) + text.slice(cut + 1)]) {
        if (version.length > 20_000) continue;
        for (const { code } of findings(version)) if (!catalogueEntry(code)) unknown.add(code);
      }
    });
    assert.deepEqual([...unknown], []);
  });
});
