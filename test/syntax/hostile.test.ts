import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { hostileTexts, measureHostile } from '../../bench/support/hostile.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

describe('texts that nobody writes', () => {
  for (const [name, make] of Object.entries(hostileTexts))
    it(`are opened, edited, formatted and hovered without a throw: ${name}`, () => {
      measureHostile(make(6000));
      assert.ok(parseSource(make(6000)).errors.length <= 1000);
    });
});
