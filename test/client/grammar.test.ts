import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { IGrammar } from 'vscode-textmate';
import { innermostScopes, loadGrammar } from '../textmate.ts';

describe('syntax colours', () => {
  let grammar: IGrammar;
  before(async () => {
    grammar = await loadGrammar();
  });

  /** The innermost scope of each wanted piece of the text, tokenised line by line. */
  function checkScopes(text: string, expected: Readonly<Record<string, string>>): void {
    const found = innermostScopes(grammar, text.split('\n'));
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
