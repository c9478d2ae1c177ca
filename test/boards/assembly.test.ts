import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { assemblyOf, parseAssembly } from '../../boards/src/assembly.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { must, needTools, profileOf } from './support.ts';

const arm = `	.file	"k.c"
	.text
	.align	1
	.global	twice
	.thumb_func
	.type	twice, %function
twice:
.LFB0:
	.file 1 "/tmp/somewhere/k.c"
	.file 2 "include" "k.h"
	.loc 1 2 1
	.cfi_startproc
	@ args = 0, pretend = 0, frame = 0
	.loc 2 7 3 is_stmt 0
	add	r0, r0,	r0
.L3:
	.loc 1 4 3
	.syntax unified
@ 5 "k.c" 1
	nop
@ 0 "" 2
	.thumb
	cbz	r0, .L3
	bx	lr
.L5:
	.align	2
.L4:
	.word	table
.LFE0:
	.size	twice, .-twice
	.section	.debug_info
	.4byte	0x1
`;

describe('assembly', () => {
  it('keeps code, labels that are jumped to and literal pools, each instruction with its line of C', () => {
    const [fn, ...more] = parseAssembly(arm);
    assert.ok(fn && more.length === 0);
    assert.equal(fn.name, 'twice');
    assert.equal(fn.instructions, 4);
    const shown = fn.lines.map(({ text, from }) => `${text.trim()}${from ? ` ; ${from.file}:${from.line}` : ''}`);
    assert.deepEqual(shown, [
      'add r0, r0, r0 ; k.h:7',
      '.L3:',
      'nop ; k.c:4',
      'cbz r0, .L3 ; k.c:4',
      'bx lr ; k.c:4',
      '.word table',
    ]);
  });

  it('reads what clang writes, whose files are numbered from zero and named with their folder', () => {
    const clang = `	.type	f,@function
f:                                      # @f
	.file	0 "/tmp/x" "f.c" md5 0x00
	.loc	0 1 0                           # f.c:1:0
	movl	%edi, %eax
	retq
.Lfunc_end0:
	.size	f, .Lfunc_end0-f
`;
    const [fn] = parseAssembly(clang);
    assert.deepEqual(fn?.lines[0], { text: '        movl %edi, %eax', from: { file: 'f.c', line: 1 } });
  });

  for (const name of ['mps2-an386', 'host'])
    it(`comes from the compiler of ${name}, every instruction with a line`, async function () {
      const profile = profileOf(name);
      needTools(this, { ...profile, transport: { ...profile.transport, kind: 'process' } as typeof profile.transport });
      const toolchain = must(await Toolchain.open(profile));
      try {
        const text =
          'int sum(const int *x) {\n  int s = 0;\n  for (int i = 0; i < 40; i++) s += x[i] * 3;\n  return s;\n}\n';
        const [file] = must(await assemblyOf(toolchain, [{ name: 'sum.c', text }], neverCancelled));
        const [fn] = file?.functions ?? [];
        assert.equal(fn?.name, 'sum');
        const code = fn.lines.filter(({ text: line }) => line.startsWith(' ') && !/^\s*\./.test(line));
        assert.ok(code.length > 4 && code.length === fn.instructions);
        for (const { text: line, from } of code) assert.ok(from && from.file === 'sum.c' && from.line <= 5, line);
      } finally {
        await toolchain.close();
      }
    });

  it('is refused with the compiler’s own words where the C is wrong', async function () {
    const profile = profileOf('host');
    needTools(this, profile);
    const toolchain = must(await Toolchain.open(profile));
    try {
      const failed = await assemblyOf(toolchain, [{ name: 'bad.c', text: 'int f( {}\n' }], neverCancelled);
      assert.ok(!failed.ok);
      assert.match(failed.error.message, /^bad\.c does not compile: bad\.c:1:/);
    } finally {
      await toolchain.close();
    }
  });
});
