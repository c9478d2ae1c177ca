/** `docs/schedules.md`: primitives, instructions and knobs from their records. */
import { emitKernel, selfContained } from '../compiler/src/emit/c.ts';
import { Helpers } from '../compiler/src/emit/helpers.ts';
import type { LoweredKernel } from '../compiler/src/loops/kernel.ts';
import { genericKnobs, genericSpace, scheduleGeneric } from '../compiler/src/schedule/primitives/generic.ts';
import { dot } from '../compiler/src/schedule/primitives/examples.ts';
import type { ArgumentSpec, Primitive } from '../compiler/src/schedule/primitives/primitive.ts';
import { tensorInstructions } from '../compiler/src/schedule/primitives/tensorise.ts';
import { applyStep, primitives, replay, type Trace } from '../compiler/src/schedule/primitives/trace.ts';
import type { Intrinsic } from '../compiler/src/targets/intrinsic.ts';
import { intrinsics } from '../compiler/src/targets/intrinsics.ts';

const trace: Trace = [
  { primitive: 'split', args: { loop: 'k', factor: 4 } },
  { primitive: 'tensorise', args: { loop: 'k_inner', instruction: 'dot4' } },
];

export function schedulesPage(note: string): string {
  return `${[
    '# Schedules',
    '',
    note,
    '',
    'A kernel starts as plain loops, which say what its operators mean. A *schedule* says how these loops run: in which',
    'order, how often they are written out, where values are kept, which instructions do the work. It never changes',
    'results: integers stay the same to the last bit, and sums of floats keep their order.',
    '',
    'Convolutions, dense layers, pooling and sums have *templates*, generators of loops with named knobs. All other kernels',
    'are scheduled by the *primitives* below. Either way a schedule is plain JSON: a configuration of knobs, or a trace of',
    'steps. `relay tune` searches configurations; each is compared with the evaluator before it is timed.',
    '',
    '## Traces',
    '',
    'A trace is a list of steps, each a primitive and its arguments. Loops have names of their own (`i`, `i_2`, …), and',
    'steps name the loops as they are at that point. A step that would change results is refused with the reason, and',
    'changes nothing. `replay` in `compiler/src/schedule/primitives/trace.ts` makes the same kernel of the same trace.',
    '',
    '```json',
    JSON.stringify(trace, null, 2),
    '```',
    '',
    ...beforeAfter(dot(16, 'int8'), ok(replay(dot(16, 'int8'), trace))),
    '## Primitives',
    '',
    primitives.map(({ name }) => `[\`${name}\`](#${name})`).join(' · '),
    ...primitives.flatMap(section),
    '',
    '## Loops as instructions',
    '',
    'What `tensorise` can put in the place of a loop. The loop before is the meaning: a test runs it and the',
    'instructions on random and extreme values and compares.',
    ...tensorInstructions.flatMap((i) => {
      const kernel = i.meaning();
      const after = ok(applyStep(kernel, { primitive: 'tensorise', args: { loop: i.loop, instruction: i.name } }));
      return ['', `### ${i.name}`, '', i.summary, '', ...beforeAfter(kernel, after).slice(0, -1)];
    }),
    '',
    '## Instructions',
    '',
    'Each is a C function with inline assembly where the processor has the instruction, and portable C elsewhere. Tests run',
    'both on the host and on the emulated processor and compare them with the meaning that schedules are checked by.',
    '',
    '| instruction | meaning | portable C |',
    '|---|---|---|',
    ...intrinsics.map(instructionRow),
    '',
    '## Knobs of kernels without a template',
    '',
    'The default is what an untuned build uses. Each knob takes its steps wherever they are legal.',
    '',
    '| knob | values | default | |',
    '|---|---|---|---|',
    ...genericKnobs.map(
      ({ name, values, summary }) =>
        `| \`${name}\` | ${values.map((v) => `\`${String(v)}\``).join(', ')} | \`${String(genericSpace.default[name])}\` | ${summary} |`,
    ),
    '',
    'The default makes this trace of the loops of the first example:',
    '',
    '```json',
    ...scheduleGeneric(dot(16, 'int8'), genericSpace.default, true).trace.map((s) => JSON.stringify(s)),
    '```',
  ].join('\n')}\n`;
}

function ok(result: ReturnType<typeof applyStep>): LoweredKernel {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function section(primitive: Primitive): string[] {
  const { kernel, args } = primitive.example();
  const after = ok(applyStep(kernel, { primitive: primitive.name, args }));
  return [
    '',
    `### ${primitive.name}`,
    '',
    primitive.summary,
    '',
    '| argument | is | |',
    '|---|---|---|',
    ...primitive.args.map((a) => `| \`${a.name}\` | ${kindOf(a)} | ${a.summary} |`),
    '',
    'Checked:',
    '',
    ...primitive.checks.map((c) => `- ${c}`),
    '',
    `Example: \`${JSON.stringify(args)}\``,
    '',
    ...beforeAfter(kernel, after).slice(0, -1),
  ];
}

function kindOf(a: ArgumentSpec): string {
  const kinds = {
    loop: 'a loop',
    buffer: 'a buffer',
    count: 'a number from 1 on',
    choice: (a.values ?? []).map((v) => `\`${String(v)}\``).join(', '),
  };
  return kinds[a.kind] + (a.default === undefined ? '' : `; left out: \`${String(a.default)}\``);
}

function codeOf(kernel: LoweredKernel): string[] {
  const text = selfContained(emitKernel(kernel, new Helpers(), { linkage: '' }));
  return ['```c', ...text.split('\n'), '```'];
}

function beforeAfter(before: LoweredKernel, after: LoweredKernel): string[] {
  return ['Before:', '', ...codeOf(before), '', 'After:', '', ...codeOf(after), ''];
}

function instructionRow({ name, summary, portable }: Intrinsic): string {
  const code = portable.split('\n').join(' ').replaceAll('|', '\\|');
  return `| \`${name}\` | ${summary} | \`${code}\` |`;
}
