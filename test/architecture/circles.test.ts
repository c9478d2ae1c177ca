import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'mocha';
import { circlesOf, importGraph } from './circles.ts';

const root = path.resolve(import.meta.dirname, '../..');
const rooms = ['compiler', 'boards', 'tuner', 'server', 'client', 'cli', 'bench', 'tools', 'test'];

/** Files that call each other because what they walk over nests. */
const recursive: readonly (readonly string[])[] = [
  // An expression holds functions, calls and blocks, and these hold expressions.
  ['broken', 'call', 'expr', 'function', 'statement'].map((part) => `compiler/src/check/infer-${part}.ts`),
];

describe('circles of imports', () => {
  it('are only where the code is recursive', () => {
    assert.deepEqual(circlesOf(importGraph(root, rooms)), recursive);
  });

  it('are found, however long they are', () => {
    const graph = new Map([
      ['a', ['b', 'outside']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', ['e']],
      ['e', []],
      ['f', ['a', 'g']],
      ['g', ['f']],
    ]);
    assert.deepEqual(circlesOf(graph), [
      ['a', 'b', 'c'],
      ['f', 'g'],
    ]);
  });
});
