import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { AttributeSpec, AttributeValueData } from '../../compiler/src/operators/attributes.ts';
import { normalizeAttributes } from '../../compiler/src/operators/normalize.ts';
import type { WrittenAttribute } from '../../compiler/src/operators/normalize.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import type { Dim, Type } from '../../compiler/src/types/type.ts';
import { anyDim, errorType, funcType, refType, tensorType, tupleType } from '../../compiler/src/types/type.ts';

const dim: fc.Arbitrary<Dim> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 8 }) },
  { weight: 1, arbitrary: fc.constant<Dim>(anyDim) },
  { weight: 1, arbitrary: fc.constant<Dim>({ kind: 'var', name: 'n', id: 1 }) },
  { weight: 1, arbitrary: fc.constant<Dim>({ kind: 'int64', value: 1n << 40n }) },
);
const dtype = fc.constantFrom('float32', 'int32', 'int8', 'uint8', 'bool', 'int64', 'uint64', 'void');
const tensor = fc.tuple(fc.array(dim, { maxLength: 5 }), dtype).map(([shape, d]): Type => tensorType(shape, d));
const type: fc.Arbitrary<Type> = fc.oneof(
  { weight: 6, arbitrary: tensor },
  { weight: 2, arbitrary: fc.array(tensor, { maxLength: 3 }).map(tupleType) },
  { weight: 1, arbitrary: fc.constant<Type>({ kind: 'incomplete', id: 7 }) },
  { weight: 1, arbitrary: fc.constant<Type>(errorType) },
  { weight: 1, arbitrary: tensor.map((t) => funcType([t], t)) },
  { weight: 1, arbitrary: tensor.map((t) => refType(t)) },
  { weight: 1, arbitrary: tensor.map((t) => tupleType([t, { kind: 'incomplete', id: 8 }])) },
);

const smallInt = fc.integer({ min: -3, max: 6 });
/** Any value that a schema's entry admits. */
function value(spec: AttributeSpec): fc.Arbitrary<AttributeValueData> {
  const ints = fc.array(smallInt, { maxLength: 5 });
  const any: Record<AttributeSpec['kind'], fc.Arbitrary<AttributeValueData>> = {
    int: smallInt,
    float: fc.double({ min: -4, max: 4, noNaN: true }),
    bool: fc.boolean(),
    string: spec.values ? fc.constantFrom(...spec.values) : fc.constantFrom('NCHW', 'NHWC', 'OIHW', 'both', 'x', ''),
    dtype,
    'int[]': ints,
    'dim[]': fc.array(fc.oneof(smallInt, fc.constant({ opaque: '3i64', dim: { kind: 'int64' as const, value: 3n } })), {
      maxLength: 5,
    }),
    'float[]': ints,
    'string[]': fc.array(fc.constantFrom('a', 'NCHW'), { maxLength: 3 }),
    'int[][]': fc.array(ints, { maxLength: 4 }),
    'int|int[]': fc.oneof(smallInt, ints),
    object: fc.constant({ opaque: 'meta[x][0]' }),
    any: fc.oneof(fc.constant(null), ints),
  };
  const base: fc.Arbitrary<AttributeValueData>[] = [any[spec.kind]];
  if (spec.nullable) base.push(fc.constant(null));
  if (spec.default !== undefined) base.push(fc.constant(spec.default));
  return fc.oneof(...base);
}

describe('operators on arbitrary input', () => {
  for (const operator of operatorRegistry.all())
    it(`${operator.name} answers every type and attribute without throwing`, () => {
      const schema = operator.attributes as Record<string, AttributeSpec>;
      const attrs = fc.record(Object.fromEntries(Object.entries(schema).map(([name, spec]) => [name, value(spec)])));
      const count = operator.variadic ? 2 : operator.inputs.length;
      fc.assert(
        fc.property(fc.array(type, { minLength: count, maxLength: count }), attrs, (inputs, values) => {
          const context = { inputs, attrs: values as never, expected: undefined, constant: () => undefined };
          const result = operator.relate(context);
          if (result.kind === 'error') {
            assert.match(result.error.message, /[.!]$/);
            assert.doesNotMatch(result.error.message, /undefined|\[object|NaN/);
          }
          if (result.kind !== 'ok' || !operator.explain) return;
          const solved = inputs.every((input) => input.kind !== 'incomplete' && input.kind !== 'error');
          if (!solved) return;
          const fields = result.result.kind === 'tuple' ? result.result.fields : [result.result];
          for (const [field, t] of fields.entries())
            if (t.kind === 'tensor')
              for (let d = 0; d < t.shape.length; d++)
                operator.explain(
                  context,
                  result.result,
                  result.result.kind === 'tuple' ? { field, dim: d } : { dim: d },
                );
        }),
        { numRuns: 25 },
      );
    });

  it('attributes written in any way give values or complete problems', () => {
    const written: fc.Arbitrary<WrittenAttribute> = fc.letrec<{ node: WrittenAttribute }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.bigInt({ min: -(1n << 63n), max: 1n << 63n }).map((v): WrittenAttribute => ({ kind: 'int', value: v })),
        fc.double().map((v): WrittenAttribute => ({ kind: 'float', value: v })),
        fc.boolean().map((v): WrittenAttribute => ({ kind: 'bool', value: v })),
        fc.string().map((v): WrittenAttribute => ({ kind: 'string', value: v })),
        fc.constant<WrittenAttribute>({ kind: 'null' }),
        fc.constant<WrittenAttribute>({ kind: 'opaque', text: '%x' }),
        fc.array(tie('node'), { maxLength: 3 }).map((elements): WrittenAttribute => ({ kind: 'list', elements })),
      ),
    })).node;
    fc.assert(
      fc.property(fc.constantFrom(...operatorRegistry.all()), fc.infiniteStream(written), (operator, stream) => {
        const names = [...Object.keys(operator.attributes), 'nonsense'];
        const map = new Map(names.map((name) => [name, stream.next().value as WrittenAttribute]));
        const result = normalizeAttributes(operator, map);
        assert.equal(result.ok, false);
        if (!result.ok)
          for (const problem of result.problems) {
            assert.ok(problem.message.includes(`\`${problem.name}`), problem.message);
            assert.match(problem.message, /\.$/);
          }
      }),
      { numRuns: 300 },
    );
  });
});
