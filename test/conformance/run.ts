/**
 * Agreement with TVM 0.12 on the conformance corpora.
 *
 *   npx tsx test/conformance/run.ts [tvm-suite|generated] [--failures N] [--op NAME] [--group NAME] [--id ID]
 */
import { pathToFileURL } from 'node:url';
import { judge, type Judged } from './compare.ts';
import { corpora, readCorpus, type Case } from './corpus.ts';

export interface Agreement {
  readonly corpus: string;
  readonly total: number;
  readonly agrees: number;
  readonly deviates: ReadonlyMap<string, number>;
  readonly failures: readonly Judged[];
}

/** Judges every case of a corpus; undefined when the corpus is not there. */
export function measure(corpus: string, wanted: (case_: Case) => boolean = () => true): Agreement | undefined {
  const cases = readCorpus(corpus)?.filter(wanted);
  if (!cases) return undefined;
  const failures: Judged[] = [];
  const deviates = new Map<string, number>();
  let agrees = 0;
  for (const case_ of cases) {
    const judged = judge(case_);
    if (judged.outcome.kind === 'agrees') agrees++;
    else if (judged.outcome.kind === 'deviates')
      deviates.set(judged.outcome.name, (deviates.get(judged.outcome.name) ?? 0) + 1);
    else failures.push(judged);
  }
  return { corpus, total: cases.length, agrees, deviates, failures };
}

/** Operators that a case calls. */
function operatorsOf(case_: Case): readonly string[] {
  if (case_.ops) return case_.ops;
  if (case_.calls && case_.calls.length > 0) return [...new Set(case_.calls.map(([name]) => name))];
  return [...new Set([...case_.text.matchAll(/([a-z_][\w.]*)\(/g)].map((match) => match[1] as string))];
}

function count(items: Iterable<string>): string {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 40)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ');
}

function main(args: readonly string[]): void {
  const option = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const named = args[0] !== undefined && !args[0].startsWith('--') ? [args[0]] : [...corpora];
  const op = option('--op');
  const group = option('--group');
  const id = option('--id');
  const shown = Number(option('--failures') ?? 10);
  for (const corpus of named) {
    const result = measure(
      corpus,
      (case_) =>
        (op === undefined || operatorsOf(case_).includes(op)) &&
        (group === undefined || case_.group === group) &&
        (id === undefined || case_.id === id),
    );
    if (!result) {
      console.log(`${corpus}: not here`);
      continue;
    }
    const deviations = [...result.deviates].map(([name, n]) => `${name} ${n}`).join(', ');
    const percent = ((100 * result.agrees) / Math.max(1, result.total)).toFixed(1);
    console.log(
      `${corpus}: ${result.agrees}/${result.total} agree (${percent} %); deviations: ${deviations || 'none'}; failures: ${result.failures.length}`,
    );
    const what = (judged: Judged): string => (judged.outcome.kind === 'differs' ? judged.outcome.what : '');
    console.log(`  by kind: ${count(result.failures.map(what))}`);
    console.log(
      `  by group: ${count(result.failures.map(({ case_ }) => case_.group ?? case_.test?.split('::')[0]?.split('/').pop() ?? ''))}`,
    );
    console.log(`  by operator: ${count(result.failures.flatMap(({ case_ }) => operatorsOf(case_)))}`);
    for (const { case_, outcome } of result.failures.slice(0, shown)) {
      if (outcome.kind !== 'differs') continue;
      console.log(
        `- ${case_.id} ${case_.group ?? case_.test ?? ''} ${outcome.what}${case_.tvm_internal ? ' (internal)' : ''}: ${outcome.detail}`,
      );
      if (args.includes('--text') || id !== undefined) console.log(case_.text);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
