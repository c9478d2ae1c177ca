import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { services } from '../../server/src/services.ts';

const root = new URL('../../', import.meta.url);
const rows = [...readFileSync(new URL('docs/lsp.md', root), 'utf8').matchAll(/^\| (.+?) \| `(\w+)` \| (.+?) \| (.+?) \|$/gm)];

describe('the table of services', () => {
  const listed = rows.map(([, , capability]) => capability);
  it('has every capability that the server announces, once, and no other', () => {
    const announced = services.flatMap(({ capabilities }) => Object.keys(capabilities));
    // What the server announces by itself, without a service.
    const own = ['textDocumentSync', 'positionEncoding', 'workspace'];
    assert.deepEqual([...listed].sort(), [...announced, ...own].sort());
  });
  it('names tests that exist', () => {
    for (const [, service, , , tests] of rows)
      for (const [, file] of (tests ?? '').matchAll(/`([^`]+)`/g))
        assert.ok(file !== undefined && existsSync(new URL(file, root)), `${service ?? ''}: ${file ?? ''}`);
  });
});
