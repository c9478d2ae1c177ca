import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { after, describe, it } from 'mocha';
import { unifiedDiff } from '../../cli/src/line-diff.ts';
import { dispatch } from '../../cli/src/main.ts';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-check-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const header = '#[version = "0.0.5"]\n';
const params = '%x: Tensor[(2, 3), float32], %w: Tensor[(3, 4), float32]';
const slip = `${header}def @main(${params}) {\n  %0 = nn.dense(%x, %w, units=4);\n  nn.rleu(%0)\n}\n`;

async function check(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const token = { isCancellationRequested: false };
  const io = { out: (t: string) => void out.push(t), err: (t: string) => void err.push(t), token, colour: false };
  const code = await dispatch(['check', ...argv], io);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

function file(name: string, text: string): string {
  const full = path.join(scratch, name);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

describe('relay check', () => {
  it('shows a checked repair of a shape error with the line as it would read', async () => {
    const { out, code } = await check(file('repair.relay', slip));
    assert.equal(code, 1);
    const lines = out.split('\n');
    const at = lines.findIndex((line) => line.includes('help: Repair weight'));
    assert.match(lines[at + 1] ?? '', /nn\.dense\(%x, transpose\(%w, axes=\[1, 0\]\), units=4\);$/);
    const marked = (lines[at + 2] ?? '').indexOf('~');
    assert.equal((lines[at + 1] ?? '').slice(marked, marked + 9), 'transpose');
  });
  it('tells of fixes and related places in JSON', async () => {
    const { out } = await check('--json', file('json.relay', slip));
    const { diagnostics } = JSON.parse(out) as {
      diagnostics: { code: string; related?: object[]; fixes?: { title: string; edits: { newText: string }[] }[] }[];
    };
    assert.deepEqual(
      diagnostics.map((d) => d.fixes?.[0]?.edits[0]?.newText),
      ['transpose(%w, axes=[1, 0])', 'nn.relu'],
    );
    assert.ok((diagnostics[0]?.related?.length ?? 0) >= 2);
  });
  it('reads what a file imports, relative to it', async () => {
    const lib = `${header}def @half(%x: float32) -> float32 { %x / 2f }\n`;
    file('lib/half.relay', lib);
    file('lib/more.relay', `${header}import "half.relay"\ndef @quarter(%x: float32) { @half(@half(%x)) }\n`);
    const main = file('main.relay', `${header}import "lib/more.relay"\ndef @main(%x: float32) { @quarter(%x) }\n`);
    assert.equal((await check(main)).code, 0);
    const circle = file('circle.relay', `${header}import "lib/../circle.relay"\ndef @main() { 1 }\n`);
    assert.match((await check(circle)).out, /import-cycle/);
  });
});

describe('relay run', () => {
  const io = (out: string[], err: string[]) => ({
    out: (t: string) => void out.push(t),
    err: (t: string) => void err.push(t),
    token: { isCancellationRequested: false },
    colour: false,
  });
  it('computes with functions of imported files', async () => {
    file('run/lib/half.relay', `${header}def @half(%x: float32) -> float32 { %x / 2f }\n`);
    file(
      'run/lib/more.relay',
      `// two\n${header}import "half.relay"\ndef @quarter(%x: float32) { @half(@half(%x)) }\n`,
    );
    const main = file('run/main.relay', `${header}import "lib/more.relay"\ndef @main() { @quarter(10f) }\n`);
    const [out, err]: [string[], string[]] = [[], []];
    assert.equal(await dispatch(['run', main], io(out, err)), 0, err.join('\n'));
    assert.match(out.join(), /2\.5/);
  });
  it('refuses names that mean different things in two files', async () => {
    file('clash/a.relay', `${header}def @help() { 1f }\ndef @a() { @help() }\n`);
    file('clash/b.relay', `${header}def @help() { 2f }\ndef @b() { @help() }\n`);
    const main = file('clash/main.relay', `${header}import "a.relay"\nimport "b.relay"\ndef @main() { @a() + @b() }\n`);
    const [out, err]: [string[], string[]] = [[], []];
    assert.equal(await dispatch(['run', main], io(out, err)), 1);
    assert.match(err.join(), /@help/);
  });
});

describe('relay check --fix', () => {
  it('applies what has one remedy, tells of it and leaves shapes alone', async () => {
    const path = file('fix.relay', slip);
    const { out, code } = await check('--fix', path);
    assert.equal(code, 1);
    assert.match(out, /:4:3: fixed\[unknown-operator\]: /);
    assert.match(out, /1 error, 0 warnings; 1 fix applied$/);
    assert.equal(readFileSync(path, 'utf8'), slip.replace('rleu', 'relu'));
  });
  it('repairs shapes as well with --repair', async () => {
    const path = file('repaired.relay', slip);
    assert.equal((await check('--repair', path)).code, 0);
    assert.match(readFileSync(path, 'utf8'), /nn\.dense\(%x, transpose\(%w, axes=\[1, 0\]\), units=4\)/);
  });
  it('writes nothing in a dry run and shows a diff', async () => {
    const path = file('dry.relay', slip);
    const { out } = await check('--fix', '--dry-run', path);
    assert.match(out, /^- {2}nn\.rleu\(%0\)\n\+ {2}nn\.relu\(%0\)$/m);
    assert.equal(readFileSync(path, 'utf8'), slip);
  });
  it('applies several fixes of one file', async () => {
    const path = file('several.relay', 'def @main(%data: float32) {\n  nn.rleu(%dta) + nn.rleu(%data)\n}\n');
    assert.equal((await check('--fix', path)).code, 0);
    assert.equal(
      readFileSync(path, 'utf8'),
      `${header}def @main(%data: float32) {\n  nn.relu(%data) + nn.relu(%data)\n}\n`,
    );
  });
});

describe('relay check --verify', () => {
  it('fails where comments and diagnostics differ', async () => {
    const { out, code } = await check(
      '--verify',
      file('v.relay', slip.replace('units=4);', 'units=4); // expected-error {{unknown-local}}')),
    );
    assert.equal(code, 1);
    assert.match(out, /:3:\d+: error\[missing-diagnostic\]/);
    assert.match(out, /:3:21: error\[unexpected-diagnostic\].*shape-mismatch/);
    assert.match(out, /3 differences/);
  });
  it('adds the comments with --fix and is then content', async () => {
    const path = file('expect.relay', slip);
    assert.equal((await check('--verify', '--fix', path)).code, 0);
    assert.match(readFileSync(path, 'utf8'), /nn\.rleu\(%0\) \/\/ expected-error \{\{unknown-operator\}\}\n/);
    assert.equal((await check('--verify', path)).code, 0);
  });
  it('asks a file without errors to say so', async () => {
    assert.equal((await check('--verify', file('good.relay', `${header}def @f() { 1 }`))).code, 1);
    assert.equal(
      (await check('--verify', file('said.relay', `${header}// expected-no-diagnostics\ndef @f() { 1 }`))).code,
      0,
    );
  });
});

describe('relay check --explain', () => {
  it('tells about a code, and which one was meant', async () => {
    assert.match((await check('--explain', 'shape-mismatch')).out, /^shape-mismatch: /);
    assert.match((await check('--explain', 'shape-mismach')).err, /Did you mean 'shape-mismatch'\?/);
  });
  it('tells how dimensions came to be', async () => {
    const path = file('dims.relay', `${header}def @main(${params}) {\n  transpose(%w, axes=[1, 0])\n}\n`);
    const broken = file('broken.relay', `${header}def @main(${params}) {\n  nn.nope(%w)\n}\n`);
    assert.match((await check('--explain', '3:4', broken)).err, /because of an error/);
    assert.match((await check('--explain', '3:3', path)).out, /^Tensor\[\(4, 3\), float32\]\ndimension 0:/);
  });
});

/** What a unified diff makes of a text. */
function patched(before: string, diff: string): string {
  const lines = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const result: string[] = [];
  let at = 0;
  for (const hunk of diff.split(/^(?=@@)/m).slice(1)) {
    const [head = '', ...body] = hunk.replace(/\n$/, '').split('\n');
    const [, start = '0', count] = /^@@ -(\d+)(?:,(\d+))?/.exec(head) ?? [];
    const from = count === '0' ? Number(start) : Number(start) - 1;
    while (at < from) result.push(lines[at++] ?? '');
    body.forEach((line, i) => {
      if (line.startsWith('\\')) return;
      const text = line.slice(1) + (body[i + 1]?.startsWith('\\') === true ? '' : '\n');
      if (line[0] !== '+') assert.equal(lines[at++], text);
      if (line[0] !== '-') result.push(text);
    });
  }
  return [...result, ...lines.slice(at)].join('');
}

describe('a unified diff', () => {
  it('is nothing for equal texts', () => {
    assert.equal(unifiedDiff('a', 'x\n', 'x\n'), '');
  });
  it('turns one text into the other', () => {
    const text = fc.array(fc.constantFrom('a\n', 'b\n', '\n', 'c'), { maxLength: 30 }).map((lines) => lines.join(''));
    fc.assert(
      fc.property(text, text, (before, changed) => {
        if (before !== changed) assert.equal(patched(before, unifiedDiff('f', before, changed)), changed);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
