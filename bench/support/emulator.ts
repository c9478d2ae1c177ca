/** Compiles kernels for a Cortex-M and counts their instructions on one of QEMU's MPS2 boards. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emitKernels } from '../../compiler/src/emit/module.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { elementBytes } from '../../compiler/src/tensor/dtype.ts';
import type { ElementArray } from '../../compiler/src/tensor/ndarray.ts';

export interface Processor {
  /** The compiler's target of that name, and of the C compiler. */
  readonly target: string;
  readonly flags: readonly string[];
  readonly machine: string;
}
export const processors = {
  m4: {
    target: 'cortex-m4f',
    flags: ['-mcpu=cortex-m4', '-mthumb', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16'],
    machine: 'mps2-an386',
  },
  m3: { target: 'cortex-m3', flags: ['-mcpu=cortex-m3', '-mthumb'], machine: 'mps2-an385' },
} as const satisfies Record<string, Processor>;

const startup = String.raw`
#include <stdint.h>
#define TIMER ((volatile uint32_t *)0x40000000u)
extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;
int main(void);
static void host(int op, const void *arg) {
  register int r0 __asm__("r0") = op; register const void *r1 __asm__("r1") = arg;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
void reset(void) {
  uint32_t *s = &data_load, *d = &data_start;
  *(volatile uint32_t *)0xE000ED88u |= 0xfu << 20;
  __asm__ volatile("dsb\nisb");
  while (d < &data_end) *d++ = *s++;
  for (d = &bss_start; d < &bss_end; ) *d++ = 0;
  main();
  static const uint32_t stop[2] = {0x20026, 0};
  host(0x18, (void *)0x20026);
  (void)stop;
  for (;;) {}
}
static void fault(void) { host(4, "FAULT\n"); host(0x18, (void *)0x20023); for (;;) {} }
__attribute__((section(".vectors"), used)) static const void *vectors[16] = {
  &stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault };
void print_words(const uint32_t *w, int n) {
  static char text[200]; char *p = text;
  for (int i = 0; i < n; i++) {
    for (int s = 28; s >= 0; s -= 4) *p++ = "0123456789abcdef"[(w[i] >> s) & 15];
    *p++ = i + 1 < n ? ' ' : '\n';
  }
  *p = 0; host(4, text);
}
uint32_t timer_start(void) { TIMER[0] = 0; TIMER[2] = 0xffffffffu; TIMER[1] = 0xffffffffu; TIMER[0] = 1; return TIMER[1]; }
uint32_t timer_read(void) { return TIMER[1]; }
uint32_t fnv(const uint8_t *p, uint32_t n) { uint32_t h = 2166136261u; while (n--) h = (h ^ *p++) * 16777619u; return h; }
uint32_t difference(const float *p, const float *q, uint32_t n) {
  union { float f; uint32_t u; } most = {0};
  for (; n--; p++, q++) {
    float d = *p == *q ? 0 : *p > *q ? *p - *q : *q - *p;
    if (!(d <= most.f)) most.f = d;
  }
  return most.u;
}
void fill_floats(float *p, uint32_t n, uint32_t s) { while (n--) { s = s * 1664525u + 1013904223u; *p++ = (float)(int8_t)(s >> 24) / 64; } }
void fill(uint8_t *p, uint32_t n, uint32_t s) { while (n--) { s = s * 1664525u + 1013904223u; *p++ = (uint8_t)(s >> 24); } }
`;

const script = `
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
ENTRY(reset)
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(8); } > FLASH
  data_load = LOADADDR(.data);
  .data : { data_start = .; *(.data*) . = ALIGN(8); data_end = .; } > RAM AT > FLASH
  .bss : { bss_start = .; *(.bss*) *(COMMON) . = ALIGN(8); bss_end = .; } > RAM
  stack_top = ORIGIN(RAM) + LENGTH(RAM);
}
`;

export interface Measured {
  readonly instructions: number;
  /** FNV-1a of all output bytes. */
  readonly hash: number;
  /** The largest difference from the floats that were expected; 0 without any. */
  readonly difference: number;
  readonly codeBytes: number;
}

/** Bytes as the emulated program fills input `i`. */
export function inputBytes(count: number, i: number): Uint8Array {
  const out = new Uint8Array(count);
  let s = 12345 + i;
  for (let k = 0; k < count; k++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    out[k] = s >>> 24;
  }
  return out;
}

/** Floats as the emulated program fills input `i`. */
export function floatInputs(count: number, i: number): Float32Array {
  return Float32Array.from(inputBytes(count, i), (byte) => ((byte << 24) >> 24) / 64);
}

export function fnv(outputs: readonly ElementArray[]): number {
  let h = 2166136261;
  for (const o of outputs)
    for (const b of new Uint8Array(o.buffer, o.byteOffset, o.byteLength)) h = Math.imul(h ^ b, 16777619) >>> 0;
  return h >>> 0;
}

/** Bytes of constants that one image takes: flash is 4 MB. */
const imageConstants = 2 ** 21;

/** What a kernel in floats should give, by its number. */
type Expected = readonly (Float32Array | undefined)[];

/** Runs each kernel once and returns what was counted, in order; as many to an image as its flash holds. */
export function measure(
  kernels: readonly LoweredKernel[],
  processor: Processor = processors.m4,
  expected: Expected = [],
): Measured[] {
  const images: { kernels: LoweredKernel[]; expected: (Float32Array | undefined)[] }[] = [];
  let room = 0;
  kernels.forEach((kernel, i) => {
    const wanted = expected[i];
    const bytes = kernel.constants.reduce((n, c) => n + c.value.data.byteLength, wanted?.byteLength ?? 0);
    if (images.length === 0 || room < bytes) {
      images.push({ kernels: [], expected: [] });
      room = imageConstants;
    }
    images.at(-1)?.kernels.push(kernel);
    images.at(-1)?.expected.push(wanted);
    room -= bytes;
  });
  return images.flatMap((image) => measureImage(image.kernels, ['-O2'], processor, image.expected));
}

function measureImage(
  kernels: readonly LoweredKernel[],
  baseFlags: readonly string[],
  processor: Processor,
  expected: Expected,
): Measured[] {
  const dir = mkdtempSync(join(tmpdir(), 'relay-kernels-'));
  try {
    const emitted = emitKernels(kernels);
    const objects: string[] = [];
    const gcc = (flags: readonly string[], name: string): void => {
      execFileSync(
        'arm-none-eabi-gcc',
        [...processor.flags, '-std=gnu99', '-Wall', '-Wextra', ...flags, '-c', name, '-o', `${name}.o`],
        {
          cwd: dir,
          stdio: ['ignore', 'inherit', 'inherit'],
        },
      );
      objects.push(`${name}.o`);
    };
    for (const file of emitted.files) {
      writeFileSync(join(dir, file.name), file.text);
      gcc([...baseFlags, '-ffp-contract=off', '-ffunction-sections', ...(file.flags ?? [])], file.name);
    }
    writeFileSync(join(dir, 'start.c'), startup);
    writeFileSync(join(dir, 'main.c'), mainText(kernels, emitted.functions, expected));
    writeFileSync(join(dir, 'link.ld'), script);
    gcc(['-O1'], 'start.c');
    gcc(['-O1'], 'main.c');
    execFileSync(
      'arm-none-eabi-gcc',
      [...processor.flags, '-nostartfiles', '-T', 'link.ld', ...objects, '-o', 'image.elf', '-lm'],
      { cwd: dir },
    );
    const symbols = execFileSync('arm-none-eabi-nm', ['-S', 'image.elf'], { cwd: dir, encoding: 'utf8' });
    const text = execFileSync(
      'qemu-system-arm',
      ['-M', processor.machine, '-icount', 'shift=6', '-nographic', '-monitor', 'none', '-serial', 'none',
        '-semihosting-config', 'enable=on,target=native,chardev=host', '-chardev', 'stdio,id=host', '-kernel', 'image.elf'],
      { cwd: dir, encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] },
    ); // prettier-ignore
    const rows = text
      .trim()
      .split('\n')
      .map((l) => l.split(' ').map((w) => parseInt(w, 16)));
    return kernels.map((_, i) => {
      const [ticks = 0, hash = 0, bits = 0] = rows[i] ?? [];
      const [difference = NaN] = new Float32Array(Uint32Array.of(bits).buffer);
      const size = new RegExp(`^\\S+ (\\S+) T ${emitted.functions[i]?.name}$`, 'm').exec(symbols)?.[1] ?? '0';
      return { instructions: Math.round((ticks * 40) / 64), hash, difference, codeBytes: parseInt(size, 16) };
    });
  } finally {
    if (process.env['KEEP_KERNELS'] === undefined) rmSync(dir, { recursive: true });
    else console.error(dir);
  }
}

function mainText(
  kernels: readonly LoweredKernel[],
  functions: readonly { readonly name: string; readonly prototype: string }[],
  expected: Expected,
): string {
  const arrays: string[] = [];
  const body = kernels.map((k, i) => {
    const place = (kind: string) => (b: LoweredKernel['inputs'][number], j: number) => {
      const name = `${kind}${i}_${j}`;
      arrays.push(`static int64_t ${name}[${Math.ceil((b.length * elementBytes(b.dtype)) / 8) + 1}];`);
      return { name, bytes: b.length * elementBytes(b.dtype) };
    };
    const inputs = k.inputs.map(place('in'));
    const outputs = k.outputs.map(place('out'));
    const scratch = k.scratch.map(place('scratch'));
    const wanted = expected[i];
    if (wanted) {
      const words = Array.from(new Uint32Array(wanted.buffer, wanted.byteOffset, wanted.length), (w) => `${w}u`);
      arrays.push(`static const uint32_t expected${i}[] = {${words.join(',')}};`);
    }
    const compared = wanted
      ? `difference((float *)${outputs[0]?.name}, (const float *)expected${i}, ${wanted.length})`
      : 0;
    const args = [...inputs, ...outputs, ...scratch].map((b) => `(void *)${b.name}`).join(', ');
    return [
      ...inputs.map((b, j) =>
        k.inputs[j]?.dtype === 'float32'
          ? `  fill_floats((float *)${b.name}, ${b.bytes / 4}, ${12345 + j});`
          : `  fill((uint8_t *)${b.name}, ${b.bytes}, ${12345 + j});`,
      ),
      `  a = timer_start(); ${functions[i]?.name}(${args}); w[0] = a - timer_read();`,
      // Only one output is hashed in C; kernels here have one.
      `  w[1] = fnv((uint8_t *)${outputs[0]?.name}, ${outputs[0]?.bytes}); w[2] = ${compared}; print_words(w, 3);`,
    ].join('\n');
  });
  return [
    '#include <stdbool.h>',
    '#include <stdint.h>',
    'void print_words(const uint32_t *, int); uint32_t timer_start(void); uint32_t timer_read(void);',
    'uint32_t fnv(const uint8_t *, uint32_t); void fill(uint8_t *, uint32_t, uint32_t); void fill_floats(float *, uint32_t, uint32_t); uint32_t difference(const float *, const float *, uint32_t);',
    ...functions.map((f) => `${f.prototype};`),
    ...arrays,
    'int main(void) {',
    '  uint32_t a, w[3];',
    ...body,
    '  return 0;',
    '}',
  ].join('\n');
}
