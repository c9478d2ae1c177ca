import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { normalizeAttributes } from '../../compiler/src/operators/normalize.ts';
import type { WrittenAttribute } from '../../compiler/src/operators/normalize.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';

const int = (value: number): WrittenAttribute => ({ kind: 'int', value: BigInt(value) });
const list = (...elements: readonly WrittenAttribute[]): WrittenAttribute => ({ kind: 'list', elements });

function normalize(name: string, written: Record<string, WrittenAttribute>) {
  const operator = operatorRegistry.get(name);
  assert.ok(operator, name);
  return normalizeAttributes(operator, new Map(Object.entries(written)));
}
function problems(name: string, written: Record<string, WrittenAttribute>) {
  const result = normalize(name, written);
  assert.equal(result.ok, false);
  return result.ok ? [] : result.problems;
}

describe('attributes of a call', () => {
  it('take their defaults where they are not written', () => {
    assert.deepEqual(normalize('sum', {}), { ok: true, value: { axis: null, keepdims: false, exclude: false } });
  });

  it('convert between booleans, integers and numbers as TVM does', () => {
    const result = normalize('sum', { axis: list(int(1), { kind: 'bool', value: true }), keepdims: int(1) });
    assert.deepEqual(result, { ok: true, value: { axis: [1, 1], keepdims: true, exclude: false } });
    assert.deepEqual(normalize('clip', { a_min: int(0), a_max: { kind: 'float', value: 6 } }), {
      ok: true,
      value: { a_min: 0, a_max: 6 },
    });
  });

  it('that are misspelt name the one that was meant', () => {
    const [problem] = problems('sum', { axes: list(int(1)) });
    assert.equal(problem?.code, 'unknown-attribute');
    assert.equal(problem.suggestion, 'axis');
    assert.equal(problem.remedy, 'Write `axis` instead.');
  });

  it('that are missing are asked for with an example', () => {
    const [problem] = problems('cast', {});
    assert.equal(problem?.code, 'missing-attribute');
    assert.equal(problem.message, '`cast` needs the attribute `dtype` (an element type in quotes).');
    assert.equal(problem.remedy, 'Add `dtype="float32"` to the call.');
  });

  it('of the wrong kind say what is expected and what was found', () => {
    const [problem] = problems('sum', { axis: list(int(0), { kind: 'string', value: 'x' }) });
    assert.equal(problem?.message, '`axis[1]` must be an integer, found the string "x".');
    assert.deepEqual(problem.element, [1]);
  });

  it('in quotation marks are wanted without them', () => {
    const [quoted] = problems('nn.softmax', { axis: { kind: 'string', value: '-1' } });
    assert.equal(quoted?.remedy, 'Write it as `axis=-1`.');
  });

  it('name element types that exist', () => {
    const [problem] = problems('cast', { dtype: { kind: 'string', value: 'flaot32' } });
    assert.equal(problem?.remedy, 'Write "float32".');
    assert.deepEqual(normalize('cast', { dtype: { kind: 'string', value: 'uint1' } }), {
      ok: true,
      value: { dtype: 'bool' },
    });
  });

  it('report every problem at once', () => {
    assert.equal(problems('clip', { a_min: { kind: 'null' }, b: int(1) }).length, 3);
  });
});
