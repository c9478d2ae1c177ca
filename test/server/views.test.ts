import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lowerDocument } from '../../server/src/features/lowering.ts';
import { buildDocument, covered } from '../../server/src/requests/build.ts';
import { functionGraph } from '../../server/src/requests/graph.ts';
import { compareTypes, follow, substitute } from '../../server/src/requests/whatIf.ts';
import { header, marked, snapshotOf } from './fixture.ts';

const program = `def @main(%x: Tensor[(1, 8), float32], %w: Tensor[(4, 8), float32]) {
  %0 = nn.dense(%x, %w, units=4);
  %1 = nn.relu(%0);
  nn.softmax(%1)
}`;
const job = { kind: 'build', uri: 'file:///test.relay', version: 3, text: header + program } as const;

describe('a build for the views', () => {
  it('lists the passes, and both sides of those that changed something can be shown', () => {
    const text = `${header}def @main(%x: Tensor[(1, 8), float32]) { let %unused = nn.relu(%x); add(%x, multiply(2f, 3f)) }`;
    const { passes, failure } = buildDocument({ ...job, text });
    assert.equal(failure, undefined);
    const changed = passes.filter((pass) => pass.changes.length > 0);
    assert.ok(changed.length >= 2, changed.map((p) => p.name).join());
    for (const pass of changed) {
      const [before, after] = [pass.before, pass.after].map((stage) => lowerDocument({ ...job, text, stage }));
      assert.notEqual(before?.text, after?.text, pass.name);
      assert.equal(after?.failure, undefined);
    }
  });
  it('tells what lives in memory at each kernel, and the peak', () => {
    const build = buildDocument(job);
    assert.equal(build.version, 3);
    assert.ok(build.layers.length > 0 && build.arenaBytes > 0 && build.macs === 32);
    const most = Math.max(...build.layers.map((layer) => layer.aliveBytes));
    assert.equal(build.layers[build.peakLayer]?.aliveBytes, most);
    assert.ok(most <= build.arenaBytes);
    assert.ok(build.peak.some((tensor) => tensor.name === '%w' && tensor.bytes === 128));
    // The header is line 0, @main line 1, nn.dense line 2.
    assert.ok(build.layers[0]?.source.some(({ start }) => start.line === 2));
  });
  it('of a program with an error says what is wrong', () => {
    assert.match(buildDocument({ ...job, text: `${header}def @main() { %q }` }).failure?.message ?? '', /%q/);
  });
  it('counts shared bytes once', () => {
    const at = (offset: number, bytes: number): { offset: number; bytes: number } => ({ offset, bytes });
    assert.equal(covered([at(0, 10), at(5, 10), at(20, 5)]), 20);
    assert.equal(covered([at(0, 100), at(10, 5)]), 100);
    assert.equal(covered([]), 0);
  });
});

describe('the graph of a function', () => {
  it('has a node for each operator, with shapes on the edges', () => {
    const graph = functionGraph(snapshotOf(program), undefined);
    assert.ok(graph);
    assert.equal(graph.name, '@main');
    assert.deepEqual(
      graph.nodes.map((n) => n.title),
      ['%x', '%w', 'nn.dense', 'nn.relu', 'nn.softmax', 'result'],
    );
    assert.deepEqual(
      graph.edges.map((e) => `${e.from}-${e.to} ${e.label}`),
      [
        'n0-n2 Tensor[(1, 8), float32]',
        'n1-n2 Tensor[(4, 8), float32]',
        'n2-n3 Tensor[(1, 4), float32]',
        'n3-n4 Tensor[(1, 4), float32]',
        'n4-n5 Tensor[(1, 4), float32]',
      ],
    );
    assert.equal(graph.nodes[2]?.source.start.line, 2);
  });
  it('is that of the function at the cursor', () => {
    const { snapshot, offset } = marked('def @f(%x: int32) { $0%x }\ndef @main(%x: int32) { @f(%x) }');
    assert.equal(functionGraph(snapshot, offset)?.name, '@f');
    assert.equal(functionGraph(snapshot, undefined)?.name, '@main');
  });
  it('survives a program that is being written', () => {
    assert.ok(functionGraph(snapshotOf('def @main(%x: int32) { nn.relu(%y, '), undefined));
  });
});

describe('what if a parameter had another type', () => {
  const ask = (type: string, parameter = 'x'): ReturnType<typeof substitute> =>
    substitute(snapshotOf(program), { function: 'main', parameter, type });

  it('shows the types that follow, without touching the text', () => {
    const text = ask('Tensor[(16, 8), float32]');
    assert.ok(text.ok);
    const { changed, errors } = compareTypes(snapshotOf(program), text.value);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      changed.map((c) => `${c.name}: ${c.after}`),
      ['%x: Tensor[(16, 8), float32]', '%0: Tensor[(16, 4), float32]', '%1: Tensor[(16, 4), float32]'],
    );
  });
  it('shows what would no longer check', () => {
    const text = ask('Tensor[(16, 9), float32]');
    assert.ok(text.ok);
    const { errors } = compareTypes(snapshotOf(program), text.value);
    assert.equal(errors.length, 1);
    assert.equal(errors[0]?.line, 2);
  });
  it('lets the annotations of called functions follow, also through several calls', () => {
    const calls = `#[version = "0.0.5"]
def @inner(%a: Tensor[(2, 8), float32]) -> Tensor[(2, 8), float32] { nn.relu(%a) }
def @outer(%b: Tensor[(2, 8), float32], %w: Tensor[(4, 8), float32]) { nn.dense(@inner(%b), %w, units=4) }
def @main(%x: Tensor[(2, 8), float32], %w: Tensor[(4, 8), float32]) { @outer(%x, %w) }
`;
    const text = substitute(snapshotOf(calls), { function: 'main', parameter: 'x', type: 'Tensor[(6, 8), float32]' });
    assert.ok(text.ok);
    assert.notDeepEqual(compareTypes(snapshotOf(calls), text.value).errors, []);
    const followed = follow(text.value);
    assert.deepEqual(compareTypes(snapshotOf(calls), followed).errors, []);
    assert.equal(followed.match(/Tensor\[\(6, 8\), float32\]/g)?.length, 4);
    assert.match(followed, /%w: Tensor\[\(4, 8\), float32\]/);
  });
  it('lets nothing follow that differs in more than sizes, and ends where functions call each other', () => {
    const other = program.replace(/8\)/, '9)');
    assert.equal(follow(other), other);
    const rounds = `#[version = "0.0.5"]
def @f(%a: Tensor[(1), int32]) -> Tensor[(1), int32] { concatenate((%a, @f(%a))) }
`;
    assert.ok(follow(rounds).startsWith('#[version'));
  });
  it('refuses what is no type, and unknown parameters', () => {
    assert.ok(!ask('Tensor[(1').ok);
    assert.ok(!ask('int32) { 1 } def @g(%x: int32').ok);
    assert.ok(!ask('int32', 'nothing').ok);
  });
});
