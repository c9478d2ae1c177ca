import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'mocha';
import { curvePage, thinned } from '../../client/src/engine/curve.ts';
import { graphPage, shapeText } from '../../client/src/engine/graph.ts';
import { sourceRanges, stageLines } from '../../client/src/engine/origins.ts';
import { bundledProfiles, readProfile, type BoardProfile } from '../../client/src/engine/profile.ts';
import { bestRecords } from '../../client/src/engine/records.ts';
import { bar, ribbonOf } from '../../client/src/engine/ribbon.ts';
import { budgetProblems, fitText, size } from '../../client/src/engine/sizes.ts';
import type { BuildResult, GraphResult, LayerInfo, WireRange } from '../../server/src/protocol.ts';

const at = (first: number, last = first): WireRange => {
  return { start: { line: first, character: 2 }, end: { line: last, character: 9 } };
};
function layer(name: string, aliveBytes: number, lines: readonly number[], constantBytes = 0): LayerInfo {
  const source = lines.map((line) => at(line));
  return { name, description: name, task: name, tuned: false, macs: 32, constantBytes, aliveBytes, alive: [], source };
}
function build(layers: readonly LayerInfo[], peakLayer: number): BuildResult {
  return {
    version: 1,
    target: 'cortex-m4f',
    passes: [],
    layers,
    barriers: [],
    buffers: [],
    macs: 64,
    arenaBytes: Math.max(...layers.map((l) => l.aliveBytes)),
    constantBytes: layers.reduce((sum, l) => sum + l.constantBytes, 0),
    peakLayer,
    peak: [{ name: '%4', kind: 'activation', bytes: 900, source: [at(4)] }],
  };
}
const board: BoardProfile = {
  name: 'tiny',
  description: '',
  target: 'cortex-m4f',
  ram: 1500,
  flash: 1000,
  stack: 500,
  memory: { ram: [1500], stackBytes: 500, unlimited: false },
  provenance: 'emulated',
};

describe('the memory ribbon', () => {
  const program = build([layer('a', 300, [3, 4, 5]), layer('b', 900, [5, 6])], 1);

  it('shows for each line the most that is alive there, marks the peak and brackets kernels', () => {
    assert.deepEqual(
      ribbonOf(program, 0, 100).map((l) => `${l.line} ${l.bytes} ${l.bracket}${l.peak ? ' peak' : ''}`),
      ['3 300 first', '4 300 middle', '5 900 first peak', '6 900 last peak'],
    );
  });
  it('leaves out lines of other functions', () => {
    assert.deepEqual(
      ribbonOf(program, 4, 5).map((l) => l.line),
      [4, 5],
    );
  });
  it('draws shares in eighths of a character', () => {
    assert.equal(bar(1), '████████');
    assert.equal(bar(0.5), '████');
    assert.equal(bar(0), '▏');
  });
});

describe('the budget of a board', () => {
  it('is kept: nothing is said', () => {
    assert.deepEqual(budgetProblems(build([layer('a', 800, [3], 100)], 0), board), []);
  });
  it('is exceeded: the tensor and the layer to attack are named', () => {
    const [ram, flash] = budgetProblems(build([layer('a', 1001, [3], 10), layer('b', 2, [4], 1500)], 0), board);
    assert.equal(ram?.severity, 'warning');
    assert.match(ram?.message ?? '', /1001 B; tiny has 1000 B of RAM beside the stack\..*%4 with 900 B/);
    assert.equal(flash?.layer, 1);
    assert.match(flash?.message ?? '', /b with 1\.5 KB/);
  });
  it('is nearly used up: for information', () => {
    assert.equal(budgetProblems(build([layer('a', 950, [3])], 0), board)[0]?.severity, 'information');
  });
  it('is written with units', () => {
    assert.deepEqual([size(1023), size(1024), size(1 << 20), size(43_333)], ['1023 B', '1 KB', '1 MB', '42.3 KB']);
    assert.equal(fitText(build([layer('a', 800, [3], 100)], 0), board), 'RAM 800 B of 1.5 KB · flash 100 B of 1000 B');
  });
  it('comes from a profile, whose regions of a kind are added up', () => {
    const memory = [
      { name: 'A', kind: 'ram', bytes: 10 },
      { name: 'B', kind: 'ram', bytes: 5 },
    ];
    const read = readProfile(JSON.stringify({ name: 'x', target: 'host', memory, stackBytes: 4 }));
    assert.equal(read?.ram, 15);
    assert.equal(read?.flash, undefined);
    assert.equal(readProfile('{"name":1}'), undefined);
    assert.equal(readProfile('nonsense'), undefined);
  });
});

describe('boards in a browser', () => {
  it('are all those that come with the extension', () => {
    const folder = new URL('../../boards/profiles/', import.meta.url);
    for (const name of readdirSync(folder).filter((file) => /^[^.]+\.json$/.test(file)))
      assert.ok(bundledProfiles.includes(name.replace('.json', '')), name);
  });
});

describe('lines that belong together', () => {
  const origins = [
    { line: 1, source: at(3) },
    { line: 2, source: at(3) },
    { line: 2, source: at(4) },
    { line: 9, source: at(0, 100) },
  ];
  it('are found from the source, whole functions left out', () => {
    assert.deepEqual(stageLines(origins, { first: 3, last: 3 }), [1, 2]);
    assert.deepEqual(stageLines(origins, { first: 50, last: 50 }), []);
  });
  it('are found from the stage', () => {
    assert.deepEqual(sourceRanges(origins, { first: 2, last: 2 }), [at(3), at(4)]);
    assert.deepEqual(sourceRanges(origins, { first: 9, last: 9 }), [at(0, 100)]);
  });
});

describe('tuning in the side bar', () => {
  it('shows the best of each task and board; failed trials are counted, cut lines left out', () => {
    const record = (task: string, value: number | undefined): string =>
      JSON.stringify({
        task,
        board: 'b',
        template: 't',
        verdict: value === undefined ? 'wrong-answer' : 'ok',
        cost: value === undefined ? null : { value, unit: 'instructions', provenance: 'emulated' },
      });
    const text = [record('x', 9), record('x', 7), record('x', undefined), record('y', 3), '{"task":"x","bo'].join('\n');
    assert.deepEqual(
      bestRecords(text).map((r) => `${r.task} ${r.cost} of ${r.tried}`),
      ['x 7 of 3', 'y 3 of 1'],
    );
  });
  it('draws the best cost, names escaped', () => {
    const points = [
      { trial: 1, best: 900 },
      { trial: 5, best: 400 },
    ];
    const title = '<img src=x>';
    const page = curvePage([{ title, unit: 'instructions', trials: 8, points, state: 'running' }], 'n0');
    assert.match(page, /Best cost fell from 900 to 400 instructions in 5 trials/);
    assert.ok(page.includes("default-src 'none'; style-src 'nonce-n0'"));
    assert.ok(!page.includes('<img'));
    assert.equal(thinned(Array.from({ length: 5000 }, (_, i) => i)).length, 400);
  });
});

describe('the page of a graph', () => {
  const hostile = '</title><script>alert(1)</script>';
  const graph: GraphResult = {
    version: 1,
    name: '@main',
    leftOut: 0,
    nodes: [
      { id: 'n0', kind: 'parameter', title: hostile, binding: '', type: 'Tensor[(1, 8), float32]', source: at(1) },
      { id: 'n1', kind: 'operator', title: 'nn.relu', binding: '%0', type: 'Tensor[(1, 8), float32]', source: at(3) },
    ],
    edges: [{ from: 'n0', to: 'n1', label: 'Tensor[(1, 8), float32]' }],
  };
  it('shows shape, work, memory and the best measured cost of each operator', () => {
    const page = graphPage(graph, build([layer('k', 64, [3])], 0), () => '412 instructions', 'n0');
    assert.match(page, /%0 = nn\.relu, \(1, 8\) float32, 32 MACs · 64 B alive, tuned: 412 instructions/);
    assert.equal(page.match(/class="edge"/g)?.length, 1);
    assert.equal(shapeText('Tensor[(2, 3), int8]'), '(2, 3) int8');
  });
  it('runs no script but its own, whatever names a program has', () => {
    const page = graphPage(graph, undefined, () => undefined, 'n0');
    assert.equal(page.match(/<script/g)?.length, 1);
    assert.ok(page.includes('<script nonce="n0">'));
    assert.ok(!/ (style|on\w+)="/.test(page));
  });
  it('can be walked by keyboard: one stop for Tab, neighbours for the arrows', () => {
    const page = graphPage(graph, undefined, () => undefined, 'n0');
    assert.equal(page.match(/tabindex="0"/g)?.length, 1);
    assert.match(page, /id="n1"[^>]*data-in="n0"/);
  });
});
