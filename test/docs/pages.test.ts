import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { pages } from '../../tools/docs.ts';

describe('reference pages', () => {
  for (const [file, text] of pages())
    it(`${file} says what the records say`, () => {
      const url = new URL(`../../${file}`, import.meta.url);
      const committed = existsSync(url) ? readFileSync(url, 'utf8') : '';
      assert.ok(committed === text, `${file} is stale: run npx tsx tools/docs.ts and commit the page`);
    });
});
