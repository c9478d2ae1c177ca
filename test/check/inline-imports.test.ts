import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { inlineImports } from '../../compiler/src/check/inline-imports.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { Result } from '../../compiler/src/base/result.ts';

const header = '#[version = "0.0.5"]\n';

/** The program `main.relay` of some files, as one text. */
function inlined(files: Readonly<Record<string, string>>): Result<string> {
  const trees = new Map(Object.entries(files).map(([name, text]) => [name, parseSource(text)]));
  const nameOf = (tree: SourceTree): string => [...trees].find(([, t]) => t === tree)?.[0] ?? '';
  const tree = trees.get('main.relay');
  assert.ok(tree);
  return inlineImports({
    tree,
    text: files['main.relay'] ?? '',
    imports: (path) => trees.get(path),
    textOf: (t) => files[nameOf(t)],
  });
}

const layer = `${header}def @layer(%x: Tensor[(2), float32]) { nn.relu(%x) }\n`;
const main = `${header}import "layer.relay"\n\ndef @main(%x: Tensor[(2), float32]) {\n  @layer(%x)\n}\n`;

describe('a program with its imports as one text', () => {
  it('checks, and every line of the program keeps its number', () => {
    const whole = inlined({ 'main.relay': main, 'layer.relay': layer });
    assert.ok(whole.ok);
    const tree = parseSource(whole.value);
    assert.deepEqual([...tree.errors, ...check(tree).diagnostics.filter((d) => d.severity === 'error')], []);
    const [own, all] = [main.split('\n'), whole.value.split('\n')];
    own.slice(2, -1).forEach((line, i) => assert.equal(all[i + 2], line));
    assert.match(whole.value, /def @layer/);
  });

  it('has each file once, circles included', () => {
    const back = layer.replace(header, `${header}import "main.relay"\nimport "deep.relay"\n`);
    const deep = `${header}import "layer.relay"\ndef @deep(%x: Tensor[(2), float32]) { %x }\n`;
    const whole = inlined({ 'main.relay': main, 'layer.relay': back, 'deep.relay': deep });
    assert.ok(whole.ok);
    assert.equal(whole.value.match(/def @/g)?.length, 3);
    assert.equal(whole.value.match(/#\[version/g)?.length, 1);
  });

  it('is refused where two files define one name', () => {
    const clash = inlined({ 'main.relay': main, 'layer.relay': `${layer}def @main() { 1 }\n` });
    assert.equal(clash.ok ? '' : clash.error.code, 'import-clash');
  });

  it('keeps a metadata section at the end, and is refused where there are two', () => {
    const section = '\n#[metadata]\n{"root": 1, "nodes": [], "b64ndarrays": [], "attrs": {"tvm_version": "0.12.0"}}\n';
    const one = inlined({ 'main.relay': `${main}${section}`, 'layer.relay': layer });
    assert.ok(one.ok && /def @layer[^]*#\[metadata\][^]*\}\n$/.test(one.value));
    const two = inlined({ 'main.relay': `${main}${section}`, 'layer.relay': `${layer}${section}` });
    assert.equal(two.ok ? '' : two.error.code, 'import-metadata');
  });

  it('is the text itself where nothing is imported', () => {
    const whole = inlined({ 'main.relay': layer });
    assert.equal(whole.ok && whole.value, layer);
  });
});
