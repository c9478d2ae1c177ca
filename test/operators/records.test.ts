import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import type { AttributeSpec } from '../../compiler/src/operators/attributes.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { sharedRoot } from '../models.ts';

interface Fact {
  readonly name: string;
  readonly inputs: readonly { readonly name: string }[];
  readonly numInputs: number;
  readonly attrs: readonly { readonly name: string; readonly default?: unknown }[];
  readonly attrsType: string | null;
  readonly pattern: string | null;
}

const path = `${sharedRoot}relay/operators.jsonl`;
const facts = existsSync(path)
  ? readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Fact)
  : undefined;

const patterns: Readonly<Record<string, string>> = {
  elementwise: 'elementwise',
  broadcast: 'broadcast',
  injective: 'injective',
  commutative_reduce: 'reduction',
  out_elementwise_fusable: 'out-elementwise-fusable',
  opaque: 'opaque',
};

describe('operator records', () => {
  for (const operator of operatorRegistry.all())
    it(`${operator.name} is documented and has a meaning or a reason for none`, () => {
      assert.match(operator.summary, /^[A-Z0-9`].*\.$/s, 'the summary is a sentence');
      const names = operator.inputs.map((input) => input.name);
      assert.equal(new Set(names).size, names.length, 'inputs have different names');
      for (const input of operator.inputs) assert.notEqual(input.summary, '', `${input.name} has a summary`);
      for (const [name, spec] of Object.entries(operator.attributes as Record<string, AttributeSpec>)) {
        assert.notEqual(spec.summary, '', `${name} has a summary`);
        const value = spec.default;
        if (spec.values && typeof value === 'string')
          assert.ok(spec.values.includes(value), `${name}'s default is allowed`);
      }
      const meanings = [operator.compute, operator.kernel, operator.noMeaning].filter((m) => m !== undefined);
      assert.equal(meanings.length, 1, 'exactly one of compute, kernel and a reason for none');
    });

  it('has a record of every operator of TVM', function () {
    if (!facts) {
      console.log('      skipped: the operator facts are not beside the project');
      this.skip();
    }
    assert.deepEqual(
      facts.filter((fact) => !operatorRegistry.get(fact.name)).map((fact) => fact.name),
      [],
    );
  });

  it('takes the inputs and attributes that TVM takes, with its defaults', function () {
    if (!facts) {
      console.log('      skipped: the operator facts are not beside the project');
      this.skip();
    }
    const differences: string[] = [];
    for (const fact of facts) {
      const operator = operatorRegistry.get(fact.name);
      if (!operator) continue;
      const variadic = operator.variadic === true;
      if (variadic !== (fact.numInputs === -1)) differences.push(`${fact.name}: variadic`);
      if (!variadic && operator.inputs.length !== fact.numInputs)
        differences.push(`${fact.name}: ${operator.inputs.length} inputs, expected ${fact.numInputs}`);
      if (fact.attrsType !== null && operator.attrsType !== fact.attrsType)
        differences.push(`${fact.name}: attributes of type ${operator.attrsType}, expected ${fact.attrsType}`);
      if (fact.pattern !== null && operator.fusion !== (patterns[fact.pattern] ?? fact.pattern))
        differences.push(`${fact.name}: fusion ${operator.fusion}, expected ${fact.pattern}`);
      const schema = operator.attributes as Record<string, AttributeSpec>;
      for (const attribute of fact.attrs) {
        const spec = schema[attribute.name];
        if (!spec) differences.push(`${fact.name}: no attribute ${attribute.name}`);
        else if (!sameDefault(spec.default, attribute.default))
          differences.push(
            `${fact.name}.${attribute.name}: default ${JSON.stringify(spec.default)}, expected ${String(attribute.default)}`,
          );
      }
    }
    assert.deepEqual(differences, []);
  });
});

/** TVM prints defaults as text: `None` for a required field, `(nullptr)` for a null object. */
function sameDefault(ours: unknown, theirs: unknown): boolean {
  const text = String(theirs).replace(/T\.float32\(([^)]*)\)/g, '$1');
  if (theirs === undefined || theirs === null || text === 'None')
    return ours === undefined || ours === null || text === ours;
  // A null object that the operator cannot do without may as well be required.
  if (text === '(nullptr)') return ours === undefined || ours === null || (Array.isArray(ours) && ours.length === 0);
  if (text === 'void' || text === '') return ours === null || ours === '' || ours === undefined;
  if (typeof ours === 'boolean') return text === (ours ? '1' : '0');
  if (typeof ours === 'number') return Number(text) === ours;
  if (Array.isArray(ours)) return text.replace(/\s/g, '') === JSON.stringify(ours).replace(/"/g, '');
  if (ours === null) return true;
  return text === ours;
}
