import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { completion, documentationOf, type Completion } from '../../server/src/features/completion.ts';
import { signatureHelp } from '../../server/src/features/signatureHelp.ts';
import { marked, prelude } from './fixture.ts';

/** The labels offered at the marker, best first; those given must be among them, in this order. */
function checkCompletion(program: string, ...expected: readonly string[]): readonly Completion[] {
  const { snapshot, offset } = marked(program);
  const items = [...completion(snapshot, offset)].sort((a, b) => a.rank - b.rank);
  const labels = items.map((item) => item.label);
  const found = labels.filter((label) => expected.includes(label));
  assert.deepEqual(found, expected, `offered: ${labels.slice(0, 30).join(' ')}`);
  return items;
}

/** The active parameter at the marker. */
function checkSignature(program: string, active: string | undefined): void {
  const { snapshot, offset } = marked(program);
  const signature = signatureHelp(snapshot, offset);
  assert.equal(
    signature && signature.active !== undefined ? signature.parameters[signature.active]?.label : undefined,
    active,
  );
}

describe('completion', () => {
  it('after % the locals in sight, nearest first', () => {
    checkCompletion('def @main(%x: int32) {\n  let %a = 1;\n  %0 = add(%a, 2);\n  add(%$0)\n}', '%0', '%a', '%x');
  });
  it('does not offer what is not in sight', () => {
    const items = checkCompletion('def @f(%secret: int32) { %secret }\ndef @main(%x: int32) { add(%$0) }', '%x');
    assert.ok(!items.some((item) => item.label === '%secret'));
  });
  it('after @ the functions with their signatures', () => {
    const items = checkCompletion('def @helper(%x: int32) { %x }\ndef @main() { @$0 }', '@helper');
    assert.equal(items.find((i) => i.label === '@helper')?.detail, 'fn (int32) -> int32');
  });
  it('operators replace the whole dotted name', () => {
    const { snapshot, offset } = marked('def @main(%x: Tensor[(1), float32]) { nn.re$0 }');
    const item = completion(snapshot, offset).find((i) => i.label === 'nn.relu');
    assert.ok(item);
    assert.equal(snapshot.text.slice(item.range.start, item.range.end), 'nn.re');
    assert.equal(item.insert, 'nn.relu($0)');
  });
  it('inside a call the attributes that it lacks, required ones first', () => {
    const items = checkCompletion(
      'def @main(%x: Tensor[(1, 3, 8, 8), float32], %w: Tensor[(4, 3, 3, 3), float32]) { nn.conv2d(%x, %w, padding=[1, 1], $0) }',
      'strides=',
      'data_layout=',
    );
    assert.ok(!items.some((item) => item.label === 'padding='));
  });
  it('after the equals sign of an attribute its values', () => {
    checkCompletion('def @main(%x: int32) { cast(%x, dtype="$0") }', 'float32', 'int8');
  });
  it('types where a type stands', () => {
    checkCompletion('type Box { Full }\ndef @main(%x: $0) { %x }', 'Tensor', 'Box', 'int32');
  });
  it('nothing in comments and strings', () => {
    for (const program of ['def @main() { 1 } // a$0', '// %$0\ndef @main() { 1 }']) {
      const { snapshot, offset } = marked(program);
      assert.deepEqual(completion(snapshot, offset), []);
    }
  });
  it('operators that take the arguments at hand come before those that do not', () => {
    const program = 'def @main(%x: Tensor[(2, 3), float32], %y: Tensor[(4, 5), float32]) { n$0(%x, %y) }';
    const { snapshot, offset } = marked(program);
    const items = completion(snapshot, offset);
    const rank = (label: string): number => items.find((item) => item.label === label)?.rank ?? NaN;
    const other = marked(program.replace('(4, 5)', '(2, 3)'));
    const fitting = completion(other.snapshot, other.offset);
    assert.ok(rank('add') > rank('nn.dense') && rank('nn.relu') > rank('nn.dense'), 'shapes that do not broadcast');
    const fits = (label: string): number => fitting.find((item) => item.label === label)?.rank ?? NaN;
    assert.ok(fits('add') < fits('nn.dense') && fits('add') < fits('nn.relu'));
    assert.equal(fitting.find((item) => item.label === 'add')?.insert, 'add', 'the parentheses are there');
  });
});

describe('completion by what fits and what is visible', () => {
  const ranked = (program: string): ReadonlyMap<string, number> => {
    const { snapshot, offset } = marked(program);
    return new Map(completion(snapshot, offset, prelude).map(({ label, rank }) => [label, rank]));
  };
  it('puts locals that the operator takes in front of those that it does not', () => {
    const ranks = ranked(
      'def @main(%fits: Tensor[(2, 3), float32], %x: Tensor[(2, 3), float32], %wide: Tensor[(7, 8), float32]) { add(%x, %$0) }',
    );
    assert.ok((ranks.get('%fits') ?? NaN) < (ranks.get('%wide') ?? NaN));
    assert.ok((ranks.get('%x') ?? NaN) < (ranks.get('%wide') ?? NaN));
  });
  it('offers functions, types and constructors of the prelude behind those of the file', () => {
    const program = 'type Bag { Many(int32) }\ndef @mine() { 1 }\ndef @main() { $0 }';
    const ranks = ranked(program);
    assert.ok((ranks.get('@mine') ?? NaN) < (ranks.get('@map') ?? NaN));
    assert.ok((ranks.get('Many') ?? NaN) < (ranks.get('Cons') ?? NaN));
    assert.ok(ranked(program.replace('def @main() { $0 }', 'def @main(%x: $0) { 1 }')).has('List'));
  });
  it('documents an operator when it is looked at', () => {
    const { snapshot, offset } = marked('def @main() { nn.conv$0 }');
    const item = completion(snapshot, offset).find(({ label }) => label === 'nn.conv2d');
    assert.equal(item?.documentation, undefined);
    assert.match(documentationOf(item?.data) ?? '', /kernel_layout/);
    assert.equal(documentationOf('nonsense'), undefined);
    assert.equal(documentationOf({ a: 1 }), undefined);
  });
});

describe('signature help', () => {
  const types = 'def @main(%x: Tensor[(1, 3, 8, 8), float32], %w: Tensor[(4, 3, 3, 3), float32]) { ';
  it('marks the input at the cursor', () => {
    checkSignature(`${types}nn.conv2d($0%x, %w) }`, 'data');
    checkSignature(`${types}nn.conv2d(%x, $0%w) }`, 'weight');
  });
  it('marks the attribute that is being written', () => {
    checkSignature(`${types}nn.conv2d(%x, %w, strides=[1, $01]) }`, 'strides=[1, 1]');
  });
  it('knows the parameters of a function', () => {
    checkSignature('def @f(%a: int32, %b: float32) { %b }\ndef @main() { @f(1, $02f) }', '%b: float32');
  });
  it('is silent outside of a call', () => {
    checkSignature('def @main() { $0 1 }', undefined);
  });
});
