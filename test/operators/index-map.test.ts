import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { StoredObject } from '../../compiler/src/operators/index-map.ts';
import { readIndexMap, termRange, termValue } from '../../compiler/src/operators/index-map.ts';

function stored(
  typeKey: string,
  fields: Record<string, StoredObject | string | bigint>,
  items: StoredObject[] = [],
): StoredObject {
  const get = <T>(kind: string, name: string): T | undefined =>
    typeof fields[name] === kind ? (fields[name] as T) : undefined;
  return {
    typeKey,
    items,
    text: (name) => get('string', name),
    integer: (name) => get('bigint', name),
    node: (name) => get('object', name),
  };
}
const variable = (name: string): StoredObject => stored('tir.Var', { name });
const number = (value: bigint): StoredObject => stored('IntImm', { value });
const binary = (op: string, a: StoredObject, b: StoredObject): StoredObject => stored(`tir.${op}`, { a, b });
const array = (...items: StoredObject[]): StoredObject => stored('Array', {}, items);
const map = (names: readonly string[], ...finals: StoredObject[]): StoredObject =>
  stored('tir.IndexMap', { initial_indices: array(...names.map(variable)), final_indices: array(...finals) });

describe('an index map of the metadata section', () => {
  it('that cuts an axis into blocks gives the sizes and the place of each element', () => {
    const i = variable('i');
    const blocked = map(['i'], binary('FloorDiv', i, number(4n)), binary('FloorMod', i, number(4n)));
    const read = readIndexMap(blocked);
    assert.ok(read);
    assert.deepEqual(
      read.terms.map((term) => termRange(term, [10])),
      [
        { low: 0, high: 2 },
        { low: 0, high: 3 },
      ],
    );
    assert.deepEqual(
      read.terms.map((term) => termValue(term, [9])),
      [2, 1],
    );
  });

  it('with an expression that cannot be read is none', () => {
    assert.equal(readIndexMap(map(['i'], stored('tir.Call', {}))), undefined);
    assert.equal(readIndexMap(stored('tir.Var', {})), undefined);
  });
});
