import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { complete } from '../../compiler/src/base/steps.ts';
import { rangeCatalogue } from '../../compiler/src/check/catalogue.ts';
import { check } from '../../compiler/src/check/check.ts';
import { analyseRanges, type Ranges } from '../../compiler/src/check/ranges/analyse.ts';
import { rangeRules } from '../../compiler/src/operators/ranges/index.ts';
import { shownRange } from '../../compiler/src/operators/ranges/rule.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parameterNamed } from '../../compiler/src/passes/bind-params.ts';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { GraphStatement } from '../../compiler/src/syntax/tree.ts';
import { decodeParams } from '../../compiler/src/tensor/params.ts';
import { run } from '../server/evaluation.ts';

const header = '#[version = "0.0.5"]\n';

function rangesOf(program: string): { readonly ranges: Ranges; readonly bindings: readonly GraphStatement[] } {
  const checked = check(parseSource(header + program));
  const errors = checked.diagnostics.filter((d) => d.severity === 'error');
  assert.deepEqual(errors, [], program);
  const main = checked.tree.definitions.find((d) => d.kind === 'def' && d.name.text === 'main');
  const body = main?.kind === 'def' ? main.fn.body.statements : [];
  return { ranges: complete(analyseRanges(checked)), bindings: body.filter((s) => s.kind === 'graph') };
}

/** The ranges of the graph bindings of `@main`, in order. */
function shown(program: string): readonly string[] {
  const { ranges, bindings } = rangesOf(program);
  return bindings.map((binding) => {
    const range = ranges.rangeOf(binding)?.range;
    return range ? shownRange(range) : '?';
  });
}

describe('value ranges', () => {
  it('follow types, limits and arithmetic', () => {
    assert.deepEqual(
      shown(`def @main(%x: Tensor[(4), int8], %y: Tensor[(4), uint8]) {
        %0 = clip(%x, a_min=-5f, a_max=6f);
        %1 = cast(%0, dtype="int32");
        %2 = %1 * 3 - 1;
        %3 = abs(%2);
        %4 = maximum(%3, 4);
        %5 = cast(%y, dtype="int32");
        %6 = concatenate((%4, %5));
        %7 = nn.relu(%2);
        %8 = right_shift(%5, 2);
        (%6, %7, %8)
      }`),
      ['−5 … 6', '−5 … 6', '−16 … 17', '0 … 17', '4 … 17', '0 … 255', '0 … 255', '0 … 17', '0 … 63'],
    );
  });
  it('bound accumulators by the number of products and both zero points', () => {
    assert.deepEqual(
      shown(`def @main(%x: Tensor[(1, 8, 8, 3), int8], %w: Tensor[(3, 3, 3, 16), int8]) {
        %0 = qnn.conv2d(%x, %w, -128, 0, 0.02f, 0.005f, channels=16, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
        %1 = qnn.requantize(%0, 0.0001f, 0, 0.5f, 10, out_dtype="int8");
        (%0, %1)
      }`),
      ['−881,280 … 874,395', '−128 … 127'],
    );
  });
  it('count the weights themselves where they are constant', () => {
    const program =
      'def @main(%x: Tensor[(1, 2), int8]) {\n  %0 = qnn.dense(%x, meta[relay.Constant][0], 0, 0, 1f, 1f, units=2, out_dtype="int32");\n  %0\n}';
    const checked = check(
      parseSource(
        header + program.replace('meta[relay.Constant][0]', '%w').replace('%x:', '%w: Tensor[(2, 2), int8], %x:'),
      ),
    );
    const main = checked.tree.definitions[0];
    assert.ok(main?.kind === 'def');
    const w = { dtype: 'int8', shape: [2, 2], data: new Int8Array([1, -2, 3, 4]) };
    const ranges = complete(analyseRanges(checked, { constantOf: (p) => (p.name.text === 'w' ? w : undefined) }));
    const [binding] = main.fn.body.statements;
    assert.ok(binding);
    // Channel 0: x0 − 2·x1 in [−382, 383]; channel 1: 3·x0 + 4·x1 in [−896, 889].
    assert.deepEqual(ranges.rangeOf(binding)?.range, { low: -896, high: 889 });
  });
  it('have rules for operators that exist alone', () => {
    for (const name of rangeRules.keys()) assert.ok(operatorRegistry.get(name), name);
  });
});

describe('findings of value ranges', () => {
  const codes = (program: string): readonly string[] => rangesOf(program).ranges.diagnostics.map((d) => d.code);
  for (const { code, wrong, right } of rangeCatalogue) {
    it(`show ${code} for its wrong program and nothing else`, () => assert.deepEqual(codes(wrong), [code]));
    it(`show nothing for the right program of ${code}`, () => assert.deepEqual(codes(right), []));
  }
  it('stand at the operator and say what to do', () => {
    const program = rangeCatalogue.find((entry) => entry.code === 'dead-clip')?.wrong ?? '';
    const text = header + program;
    const tree = parseSource(text);
    const [found] = complete(analyseRanges(check(tree))).diagnostics;
    assert.ok(found?.remedy);
    const { start, end } = resolveSpan(tree.anchors, found.span);
    assert.equal(text.slice(start, end), 'clip');
  });
  it('stay silent about sums of whole types, which anything could overflow', () => {
    assert.deepEqual(codes('def @main(%x: Tensor[(4), int32], %y: Tensor[(4), int32]) { add(%x, %y) }'), []);
  });
  it('are the same after an edit as for a fresh file', () => {
    const text = `${header}def @main(%x: Tensor[(4), int8]) {\n  %0 = clip(%x, a_min=0f, a_max=20f);\n  %1 = nn.relu(%0);\n  %2 = clip(%1, a_min=0f, a_max=30f);\n  %2\n}\n`;
    const before = check(parseSource(text));
    assert.deepEqual(
      complete(analyseRanges(before)).diagnostics.map((d) => d.code),
      ['dead-clip'],
    );
    const at = text.indexOf('20f');
    const edited = text.replace('20f', '90f');
    const after = check(reparse(before.tree, text, edited, [{ start: at, end: at + 3, newLength: 3 }]), {
      previous: before,
    });
    assert.deepEqual(complete(analyseRanges(after)).diagnostics, []);
  });
});

describe('value ranges hold', () => {
  const x = '%x: Tensor[(1, 6, 6, 4), int8]';
  const conv = 'channels=4, kernel_size=[3, 3], data_layout="NHWC", out_dtype="int32"';
  const programs: readonly string[] = [
    `def @main(${x}, %w: Tensor[(3, 3, 4, 4), int8]) {
      %0 = qnn.conv2d(%x, %w, 7, -3, 0.5f, 0.01f, ${conv}, padding=[1, 1, 1, 1], kernel_layout="HWIO");
      %1 = nn.bias_add(%0, 1000, axis=3);
      %2 = qnn.requantize(%0, 0.005f, 0, 4f, -9, out_dtype="int8");
      %3 = nn.max_pool2d(%2, pool_size=[2, 2], strides=[2, 2], layout="NHWC");
      %4 = cast(%3, dtype="int32");
      %5 = nn.avg_pool2d(%4, pool_size=[2, 2], layout="NHWC", padding=[1, 1, 1, 1], count_include_pad=True);
      %6 = qnn.dequantize(%2, 0.25f, -9);
      %7 = qnn.quantize(%6, 0.5f, 3, out_dtype="uint8");
      (%0, %2, %3, %4, %5, %6, %7)
    }`.replace('%1 = nn.bias_add(%0, 1000, axis=3);', ''),
    `def @main(${x}, %w: Tensor[(3, 3, 4, 1), int8]) {
      %0 = qnn.conv2d(%x, %w, -128, 0, 0.5f, 0.01f, ${conv}, groups=4, kernel_layout="HWOI");
      %0
    }`,
    `def @main(%x: Tensor[(2, 9), uint8], %w: Tensor[(3, 9), int8], %b: Tensor[(3), int32]) {
      %0 = qnn.dense(%x, %w, 3, 5, 0.5f, 0.1f, units=3, out_dtype="int32");
      %1 = clip(%b, a_min=-500f, a_max=500f);
      %2 = nn.bias_add(%0, %1);
      %3 = qnn.requantize(%2, 0.05f, 0, 90f, 100, out_dtype="uint8");
      %4 = left_shift(cast(%3, dtype="int32"), 3);
      %5 = negative(%4);
      %6 = abs(%2);
      %7 = where(greater(%4, 100), %4, %5);
      (%0, %1, %2, %3, %4, %5, %6, %7)
    }`,
    `def @main(%x: Tensor[(12), int8], %y: Tensor[(12), int8]) {
      %0 = qnn.add(%x, %y, 0.5f, 3, 0.25f, -4, 1f, 0);
      %1 = qnn.mul(%x, %y, 0.5f, 3, 0.25f, -4, 8f, 0);
      %2 = qnn.subtract(%x, %y, 0.5f, 3, 0.25f, -4, 1f, 0);
      %3 = subtract(cast(%x, dtype="int16"), cast(%y, dtype="int16"));
      %4 = multiply(%3, %3);
      %5 = minimum(%3, 12i16);
      (%0, %1, %2, %3, %4, %5)
    }`,
  ];
  programs.forEach((program, i) =>
    it(`for every element that program ${i + 1} computes`, () => {
      const { ranges, bindings } = rangesOf(program);
      const named = [...program.slice(program.lastIndexOf('(')).matchAll(/%(\d+)/g)].map((m) => Number(m[1]));
      const wanted = named.length > 0 ? named : [0];
      for (let seed = 1; seed <= 6; seed++) {
        const results = run(program, seed, 'full');
        wanted.forEach((index, k) => {
          const range = ranges.rangeOf(bindings.find((b) => b.index === index) as GraphStatement)?.range;
          assert.ok(range, `%${index} has a range`);
          for (const element of results[k]?.data ?? [])
            assert.ok(
              Number(element) >= range.low - 1e-3 && Number(element) <= range.high + 1e-3,
              `%${index}: ${element} in ${shownRange(range)}`,
            );
        });
      }
    }),
  );
});

describe('value ranges of quantised models', () => {
  for (const name of ['ad_int8', 'ic_int8', 'kws_int8', 'sww_int8', 'vww_int8'])
    it(`${name}: no accumulator can overflow, with its weights or with any`, function () {
      const file = (end: string): URL => new URL(`../../../shared/models/${name}.${end}`, import.meta.url);
      if (!existsSync(file('relay'))) {
        console.log('      skipped: ../shared/models is absent');
        return this.skip();
      }
      const checked = check(parseSource(readFileSync(file('relay'), 'utf8')));
      const params = decodeParams(readFileSync(file('params')));
      assert.ok(params.ok);
      const constantOf = (param: { readonly name: { readonly text: string } }) =>
        [...params.value].find(([key]) => parameterNamed([{ name: param.name.text }], key))?.[1];
      for (const options of [{}, { constantOf }])
        assert.deepEqual(
          [...new Set(complete(analyseRanges(checked, options)).diagnostics.map((d) => d.code))],
          ['dead-clip'],
        );
    });
});
