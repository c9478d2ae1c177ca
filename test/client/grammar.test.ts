import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { before, describe, it } from 'mocha';
import * as oniguruma from 'vscode-oniguruma';
import * as textmate from 'vscode-textmate';

const require = createRequire(import.meta.url);
const grammarFile = new URL('../../syntaxes/relay.tmLanguage.json', import.meta.url);

async function load(): Promise<textmate.IGrammar> {
  const wasm = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) =>
      scope === 'source.relay'
        ? textmate.parseRawGrammar(readFileSync(grammarFile, 'utf8'), 'relay.tmLanguage.json')
        : null,
  });
  const grammar = await registry.loadGrammar('source.relay');
  assert.ok(grammar);
  return grammar;
}

describe('syntax colours', () => {
  let grammar: textmate.IGrammar;
  before(async () => {
    grammar = await load();
  });

  /** The innermost scope of each wanted piece of the text, tokenised line by line. */
  function checkScopes(text: string, expected: Readonly<Record<string, string>>): void {
    const found = new Map<string, string>();
    let stack = textmate.INITIAL;
    for (const line of text.split('\n')) {
      const result = grammar.tokenizeLine(line, stack);
      for (const token of result.tokens)
        found.set(line.slice(token.startIndex, token.endIndex).trim(), token.scopes.at(-1) ?? '');
      stack = result.ruleStack;
    }
    for (const [piece, scope] of Object.entries(expected)) {
      const actual = found.get(piece) ?? 'no such piece';
      assert.ok(actual.startsWith(scope), `${piece}: ${actual}, expected ${scope}`);
    }
  }

  it('tell names, operators, attributes and numbers apart', () => {
    checkScopes(
      'def @main(%x: Tensor[(1, ?, n), float32]) {\n  %0 = nn.conv2d(%x, meta[relay.Constant][3], strides=[2, 2], eps=1e-5f, b=True);',
      {
        def: 'storage.type',
        '@main': 'entity.name.function',
        '%x': 'variable.other.local',
        Tensor: 'support.type.tensor',
        '?': 'constant.language.any',
        float32: 'support.type.primitive',
        '%0': 'variable.other.graph',
        'nn.conv2d': 'support.function.operator',
        strides: 'variable.parameter.attribute',
        '1e-5f': 'constant.numeric.float',
        True: 'constant.language.boolean',
        'relay.Constant': 'support.type.meta',
      },
    );
  });
  it('nest block comments', () => {
    checkScopes('/* a /* b */ still */ def', { still: 'comment.block', def: 'storage.type' });
  });
  it('take names that look like keywords for names', () => {
    checkScopes('let %let = if (%match) { %x } else { @def() };', {
      '%let': 'variable',
      '%match': 'variable',
      if: 'keyword.control',
    });
  });
  it('know the version header and the metadata section', () => {
    checkScopes('#[version = "0.0.5"]', { version: 'keyword', '"0.0.5"': 'string.quoted' });
    checkScopes('#[metadata]\n{ "root": 1 }', { metadata: 'keyword' });
  });
});
