/**
 * Hovers that stay as they were when one token elsewhere is deleted, inserted or changed, over the programs of the
 * conformance corpora that TVM accepts. What a hover is and what depends on an edit: `support/resilience.ts`.
 * `--worst N` lists the kinds of edits that cost the most hovers without need, `--show LABEL` programs of one kind.
 *
 *   npx tsx bench/resilience.ts [--edits 2000] [--seed 1] [--worst 12] [--show 'deleted (']
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { check } from '../compiler/src/check/check.ts';
import { parseSource } from '../compiler/src/syntax/parser.ts';
import { corpusPrograms, randomOf } from './support/edits.ts';
import { table } from './support/measure.ts';
import type { Row } from './support/measure.ts';
import { measureEdit, programTokens, tokenEdit } from './support/resilience.ts';
import type { Count, Outcome } from './support/resilience.ts';

const { values } = parseArgs({
  options: {
    edits: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    worst: { type: 'string', default: '0' },
    show: { type: 'string' },
  },
});
const programs = corpusPrograms(fileURLToPath(new URL('../', import.meta.url)));
const random = randomOf(Number(values.seed));
const outcomes: Outcome[] = [];
for (let i = 0; i < Number(values.edits) && programs.length > 0; i++) {
  const text = programs[random(programs.length)] ?? '';
  const tokens = programTokens(text);
  const edit = tokenEdit(tokens, random);
  if (edit) outcomes.push(measureEdit(text, check(parseSource(text)), tokens, edit));
}

if (programs.length === 0) console.log('../shared/conformance is absent; nothing to edit.');
else {
  const independent = sum(outcomes.map((outcome) => outcome.independent));
  const dependent = sum(outcomes.map((outcome) => outcome.dependent));
  const all = sum([independent, dependent]);
  const unhurt = outcomes.filter(({ lost }) => lost.length === 0).length;
  const row = (name: string, part: number, whole: number, goal?: number): Row => ({
    section: 'resilience',
    name,
    value: (100 * part) / whole,
    unit: '%',
    ...(goal === undefined ? {} : { goal, atLeast: true as const }),
  });
  console.log(
    table([
      row('hovers that do not depend on the edit, unchanged', independent.same, independent.total, 95),
      row('hovers that depend on the edit, unchanged', dependent.same, dependent.total),
      row('all hovers but the edited token’s, unchanged', all.same, all.total),
      row('edits that change no hover without need', unhurt, outcomes.length),
      row('hovers that depend on the edit, of all', dependent.total, all.total),
    ]),
  );
  printWorst(Number(values.worst));
  if (values.show !== undefined) printPrograms(values.show);
}

function sum(counts: readonly Count[]): Count {
  return counts.reduce((a, b) => ({ total: a.total + b.total, same: a.same + b.same }), { total: 0, same: 0 });
}

function printWorst(count: number): void {
  const losses = new Map<string, { lost: number; total: number; edits: number }>();
  for (const { edit, independent } of outcomes) {
    const label = edit.label.replace(/^(changed \S+) to .*/, '$1');
    const entry = losses.get(label) ?? { lost: 0, total: 0, edits: 0 };
    entry.lost += independent.total - independent.same;
    entry.total += independent.total;
    entry.edits++;
    losses.set(label, entry);
  }
  const worst = [...losses].sort((a, b) => b[1].lost - a[1].lost).slice(0, count);
  for (const [label, { lost, total, edits }] of worst)
    console.log(`${String(lost).padStart(6)} of ${String(total).padStart(6)} lost in ${edits} edits: ${label}`);
}

function printPrograms(label: string): void {
  const chosen = outcomes.filter(({ lost, edit }) => lost.length > 0 && edit.label.startsWith(label)).slice(0, 12);
  for (const { text, edit, lost } of chosen) {
    const metadata = text.indexOf('#[metadata]');
    const shown = metadata < 0 ? text : text.slice(0, metadata);
    const marked = `${shown.slice(0, edit.start)}⟦${shown.slice(edit.start, edit.end)}→${edit.insert}⟧${shown.slice(edit.end)}`;
    console.log(`--- ${edit.label}: loses ${lost.slice(0, 8).join(' ')}\n${marked}`);
  }
}
