import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { assemblyArguments } from '../../client/src/engine/command.ts';
import { assemblyResult } from '../../client/src/engine/assembly.ts';
import { memoryPage } from '../../client/src/engine/memory.ts';
import { cLines } from '../../client/src/engine/origins.ts';
import { defaultTuneOptions } from '../../client/src/engine/tuneOptions.ts';
import { brief, declaredParameters, headline, suggestions, typeFrom } from '../../client/src/engine/whatIf.ts';
import { buildDocument } from '../../server/src/requests/build.ts';
import type { WhatIfResult } from '../../server/src/protocol.ts';

const program = `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 8, 8, 4), float32], %w: Tensor[(4, 3, 3, 4), float32]) {
  %0 = nn.conv2d(%x, %w, data_layout="NHWC", kernel_layout="OHWI", padding=[1, 1, 1, 1]);
  %1 = nn.relu(%0);
  nn.softmax(nn.batch_flatten(%1))
}
`;
const build = (text: string): ReturnType<typeof buildDocument> =>
  buildDocument({ kind: 'build', uri: 'file:///a/model.relay', version: 3, text });

describe('the memory view', () => {
  it('draws every tensor of the arena at its place, and tells for each kernel what is alive', () => {
    const result = build(program);
    assert.equal(result.failure, undefined);
    for (const { offset, bytes, first, last } of result.buffers) {
      assert.ok(offset + bytes <= result.arenaBytes);
      assert.ok(first <= last && last < result.layers.length);
    }
    const page = memoryPage(result, undefined, 'abc');
    assert.equal(page.match(/<g class="step/g)?.length, result.layers.length);
    assert.equal(page.match(/<g class="step peak"/g)?.length, 1);
    assert.equal(page.match(/<section id="d/g)?.length, result.layers.length);
    for (const { name } of result.peak) assert.ok(page.includes(name), name);
  });
  it('says why there is nothing to draw', () => {
    const page = memoryPage(build('#[version = "0.0.5"]\ndef @main(%x: <b>) { %x }'), undefined, 'abc');
    assert.match(page, /does not compile, so it has no memory plan yet/);
    assert.doesNotMatch(page, /<b>/);
  });
  it('admits its own style and script alone', () => {
    const page = memoryPage(build(program), undefined, '"><x');
    assert.match(page, /default-src 'none'; style-src 'nonce-&quot;&gt;&lt;x'/);
    assert.doesNotMatch(page, /"><x/);
    assert.doesNotMatch(page, /\son\w+=|style="/);
  });
  it('shows the passes of a program that cannot become C', () => {
    const list = `#[version = "0.0.5"]
type L { N(), C(int32, L) }
def @main(%l: L) -> int32 { %0 = add(1, 2); match? (%l) { N() => 0, C(%h, %t) => add(%h, %0) } }
`;
    const result = build(list);
    assert.ok(result.failure);
    assert.ok(result.passes.length > 0);
  });
});

describe('what if', () => {
  const declared = 'Tensor[(1, 3, 32, 32), float32]';
  it('finds parameters over several lines, and the line of their function', () => {
    const found = declaredParameters(
      `def @f(\n  %x: Tensor[(?, 8), int8],\n  %y: Tensor[(4), int32]\n) {\n  %0 = %x;\n}\n`,
    );
    assert.deepEqual(
      found.map((d) => `${d.line} ${d.function} ${d.parameter} ${d.type}`),
      ['0 f x Tensor[(?, 8), int8]', '0 f y Tensor[(4), int32]'],
    );
  });
  it('takes short forms: a first size, a shape, an element type', () => {
    assert.equal(typeFrom('8', declared), 'Tensor[(8, 3, 32, 32), float32]');
    assert.equal(typeFrom('?', declared), 'Tensor[(?, 3, 32, 32), float32]');
    assert.equal(typeFrom('(2, 3)', declared), 'Tensor[(2, 3), float32]');
    assert.equal(typeFrom('int8', declared), 'Tensor[(1, 3, 32, 32), int8]');
    assert.equal(typeFrom(' Tensor[(2), bool] ', declared), 'Tensor[(2), bool]');
  });
  it('offers other first sizes, and sizes for an open one', () => {
    const offered = suggestions('Tensor[(?, 8), float32]').map((s) => brief(s.type));
    assert.deepEqual(offered.slice(0, 3), ['(1, 8) float32', '(2, 8) float32', '(4, 8) float32']);
    assert.ok(!suggestions(declared).some((s) => s.type === declared));
  });
  it('tells the change of work and memory, or what is wrong, in a line', () => {
    const figures = { macs: 20_000, arenaBytes: 2048, constantBytes: 100 };
    const result: WhatIfResult = {
      version: 1,
      text: '',
      changed: [],
      errors: [],
      before: figures,
      after: { ...figures, macs: 80_000, arenaBytes: 1024 },
    };
    assert.equal(headline(result), 'MACs 80.0 k (+60.0 k) · RAM 1 KB (−1 KB) · flash 100 B (as before)');
    assert.match(headline({ ...result, errors: [{ line: 4, message: 'no' }] }), /^1 error, first in line 5/);
    assert.match(headline({ ...result, after: { ...figures, failure: 'too large' } }), /does not compile: too large/);
  });
});

describe('assembly', () => {
  it('is asked for over standard input, with names as they are', () => {
    const args = assemblyArguments({
      name: 'm',
      params: '--odd name',
      board: 'host',
      kernel: undefined,
      records: undefined,
      options: { ...defaultTuneOptions, size: true, flash: 9 },
    });
    assert.deepEqual(args.slice(-5), ['--params', '--odd name', '--size', '--', '-']);
  });
  it('is read with its links, foreign parts left out', () => {
    const place = { line: 2, character: 0 };
    const json = { text: 'f:\n', origins: [{ line: 0, start: place, end: place }, 3], c: [{ line: 0, c: 9 }, {}] };
    const result = assemblyResult({ kind: 'done', exitCode: 0, json }, 7);
    assert.equal(result.version, 7);
    assert.deepEqual(result.origins, [{ line: 0, source: { start: place, end: place } }]);
    assert.deepEqual(result.c, [{ line: 0, c: 9 }]);
    const failed = assemblyResult({ kind: 'failed', message: 'no gcc', remedy: 'Install it.' }, 7);
    assert.deepEqual(failed.failure, { message: 'no gcc', remedy: 'Install it.' });
  });
  it('links lines of C and of assembly in both directions', () => {
    const links = [
      { line: 3, c: 10 },
      { line: 4, c: 10 },
      { line: 5, c: 11 },
    ];
    assert.deepEqual(cLines(links, { first: 10, last: 10 }, 'assembly'), [3, 4]);
    assert.deepEqual(cLines(links, { first: 4, last: 5 }, 'c'), [10, 11]);
  });
});
