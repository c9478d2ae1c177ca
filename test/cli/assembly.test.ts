import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type Context } from 'mocha';
import { examineTools, builtinProfiles } from '../../boards/src/index.ts';
import { dispatch } from '../../cli/src/main.ts';

const example = path.resolve(import.meta.dirname, '../../examples/keyword_spotting/keyword_spotting');
const base = ['lower', `${example}.relay`, '--params', `${example}.params`];

async function relay(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const token = { isCancellationRequested: false };
  const io = { out: (t: string) => void out.push(t), err: (t: string) => void err.push(t), token, colour: false };
  return { code: await dispatch(argv, io), out: out.join('\n'), err: err.join('\n') };
}

async function needCompiler(context: Context, command: string): Promise<void> {
  const tools = await examineTools(builtinProfiles);
  if (tools.some((tool) => tool.name === command && tool.found)) return;
  console.log(`      skipped: ${command} not installed`);
  context.skip();
}

interface Answer {
  readonly language: string;
  readonly text: string;
  readonly origins: readonly { line: number; start: { line: number } }[];
  readonly c: readonly { line: number; c: number }[];
}

describe('relay lower --to asm', () => {
  it('is listed among the stages', async () => {
    assert.match((await relay('stages')).out, /^asm +What the board/m);
  });

  it('maps at least 99 of 100 instructions of kernels to the source and every link to a line of C', async function () {
    await needCompiler(this, 'arm-none-eabi-gcc');
    const asm = await relay(...base, '--to', 'asm', '--json');
    assert.equal(asm.code, 0, asm.err);
    const answer = JSON.parse(asm.out) as Answer;
    assert.equal(answer.language, 'asm');
    const c = (await relay(...base, '--stage', 'c')).out.split('\n');
    for (const link of answer.c) assert.ok(link.c > 0 && link.c < c.length);
    const lines = answer.text.split('\n');
    // A call's line in C is quoted above the instructions that make it.
    const quote = lines.findIndex((line) => line.includes('// keyword_spotting_fused_qnn_dense_8('));
    const at = answer.c.find((link) => link.line === quote);
    assert.match(c[at?.c ?? 0] ?? '', /^ {2}keyword_spotting_fused_qnn_dense_8\(/);
    const mapped = new Set(answer.origins.map(({ line }) => line));
    let [code, known, inKernel] = [0, 0, false];
    lines.forEach((text, line) => {
      const label = /^(\w+):$/.exec(text)?.[1];
      if (label !== undefined) inKernel = label.includes('_fused_');
      if (!inKernel || !/^ {8}[a-z]/.test(text)) return;
      code++;
      if (mapped.has(line)) known++;
    });
    assert.ok(code > 500, `${code} instructions`);
    assert.ok(known / code >= 0.99, `${known} of ${code}`);
  });

  it('shows one kernel alone, by its name, also where several kernels share a function', async function () {
    await needCompiler(this, 'arm-none-eabi-gcc');
    const { code, out } = await relay(...base, '--to', 'asm', '--kernel', 'fused_qnn_conv2d_3');
    assert.equal(code, 0);
    assert.match(out, /^keyword_spotting_fused_qnn_conv2d_1:$/m);
    assert.equal(out.match(/^keyword_spotting\w*:$/gm)?.length, 1);
    const unknown = await relay(...base, '--to', 'asm', '--kernel', 'nothing');
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /no kernel 'nothing'[\s\S]*fused_qnn_dense_8/);
  });

  it('names the package where the compiler is missing', async () => {
    const { PATH } = process.env;
    process.env.PATH = '/nonexistent';
    try {
      const { code, err } = await relay(...base, '--to', 'asm');
      assert.equal(code, 2);
      assert.match(err, /arm-none-eabi-gcc[\s\S]*apt-get install gcc-arm-none-eabi/);
    } finally {
      process.env.PATH = PATH;
    }
  });

  it('shows the values of constants nowhere: only code', async function () {
    await needCompiler(this, 'arm-none-eabi-gcc');
    const { out } = await relay(...base, '--to', 'asm');
    assert.ok(out.length < readFileSync(`${example}.params`).length * 40);
    assert.doesNotMatch(out, /\.ascii|\.debug|\.cfi_/);
  });
});
