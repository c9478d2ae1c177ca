import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'mocha';
import type { IGrammar } from 'vscode-textmate';

// Both are UMD bundles whose named exports an import does not see.
const load = createRequire(import.meta.url);
const oniguruma = load('vscode-oniguruma') as typeof import('vscode-oniguruma');
const textmate = load('vscode-textmate') as typeof import('vscode-textmate');

const root = new URL('../../', import.meta.url);
const grammarFile = new URL('syntaxes/relay.tmLanguage.json', root);

async function loadGrammar(): Promise<IGrammar> {
  const wasm = readFileSync(load.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: (scope) =>
      Promise.resolve(
        scope === 'source.relay'
          ? textmate.parseRawGrammar(readFileSync(grammarFile, 'utf8'), 'relay.tmLanguage.json')
          : null,
      ),
  });
  const grammar = await registry.loadGrammar('source.relay');
  assert.ok(grammar);
  return grammar;
}

/** The innermost scope of each word of `lines`, without the `.relay` ending. */
function scopes(grammar: IGrammar, lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  let state = textmate.INITIAL;
  for (const line of lines) {
    const result = grammar.tokenizeLine(line, state);
    state = result.ruleStack;
    for (const token of result.tokens) {
      const text = line.slice(token.startIndex, token.endIndex).trim();
      if (text !== '') found.set(text, (token.scopes[token.scopes.length - 1] ?? '').replace(/\.relay$/, ''));
    }
  }
  return found;
}

const expected: Readonly<Record<string, string>> = {
  '#[': 'punctuation.definition.header',
  def: 'storage.type.function',
  '@main': 'entity.name.function',
  '%x': 'variable.other.local',
  '%conv.weight': 'variable.other.local',
  '%0': 'variable.other.graph',
  Tensor: 'support.type.tensor',
  float32: 'support.type.primitive',
  '?': 'constant.language.any',
  'nn.conv2d': 'support.function.operator',
  padding: 'variable.parameter.attribute',
  '0.5f': 'constant.numeric.float',
  '-3': 'constant.numeric.integer',
  '.1': 'constant.numeric.index',
  NHWC: 'string.quoted.double',
  let: 'storage.type.variable',
  'match?': 'keyword.control.match',
  '=>': 'keyword.operator.arrow',
  Cons: 'entity.name.type',
  inner: 'comment.block',
  True: 'constant.language.boolean',
};

describe('colours', () => {
  it('tell the parts of a program apart and leave the metadata alone', async () => {
    const found = scopes(await loadGrammar(), [
      '#[version = "0.0.5"]',
      'def @main(%x: Tensor[(1, ?), float32], %conv.weight: float32) {',
      '  %0 = nn.conv2d(%x, padding=[-3], layout="NHWC", scale=0.5f); /* a /* inner */',
      '  still a comment */ let %y = True;',
      '  match? (%t.1) { Cons(_) => 1 }',
      '}',
      '#[metadata]',
      'let {"nodes": []}',
    ]);
    for (const [text, scope] of Object.entries(expected)) assert.equal(found.get(text), scope, text);
    assert.equal(found.get('still a comment'), 'comment.block');
    assert.equal(found.get('let {"nodes": []}'), 'meta.metadata');
  });
});
