/** `docs/passes.md`: what each pass does, from its record. */
import { passes, simplificationOrder } from '../compiler/src/pipeline/simplification.ts';

export function passesPage(note: string): string {
  const order = simplificationOrder.map((pass) => `[\`${pass.name}\`](#${pass.name})`).join(' → ');
  const sections = passes.flatMap(({ name, summary, example }) => [
    `## ${name}`,
    '',
    summary,
    ...(example.folded === true ? ['In the example, calls on constants are folded first.'] : []),
    '',
    '```relay',
    example.before,
    '```',
    '',
    'becomes',
    '',
    '```relay',
    example.after,
    '```',
    '',
  ]);
  return `${[
    '# Passes',
    '',
    note,
    '',
    'Before fusion a program goes through passes; each example is a test. `relay build`, `deploy` and `tune` leave one out',
    'with `--without-pass NAME`; the editor lists those that changed something.',
    '',
    `Order: ${order}.`,
    '',
    ...sections,
  ]
    .join('\n')
    .trimEnd()}\n`;
}
