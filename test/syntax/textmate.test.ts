import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { innermostScopes, loadGrammar } from '../textmate.ts';

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
    const found = innermostScopes(await loadGrammar(), [
      '#[version = "0.0.5"]',
      'def @main(%x: Tensor[(1, ?), float32], %conv.weight: float32) {',
      '  %0 = nn.conv2d(%x, padding=[-3], layout="NHWC", scale=0.5f); /* a /* inner */',
      '  still a comment */ let %y = True;',
      '  match? (%t.1) { Cons(_) => 1 }',
      '}',
      '#[metadata]',
      'let {"nodes": []}',
    ]);
    for (const [text, scope] of Object.entries(expected))
      assert.equal(found.get(text)?.replace(/\.relay$/, ''), scope, text);
    assert.match(found.get('still a comment') ?? '', /^comment\.block/);
    assert.match(found.get('let {"nodes": []}') ?? '', /^meta\.metadata/);
  });
});
