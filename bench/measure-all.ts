/** What `bench/run.ts` bundles and runs: every section, then one table. */
import { afterKeystroke, cold, memory } from './language.ts';
import { activation } from './activation.ts';
import { compilation } from './compile.ts';
import { responsiveness } from './responsiveness.ts';
import { serverLatencies } from './server.ts';
import { passes, table, type Row } from './support/measure.ts';

async function main(args: readonly string[]): Promise<void> {
  const [root = '.', server = '', client = '', ...options] = args;
  const wanted = options.filter((option) => !option.startsWith('--'));
  const sections: Readonly<Record<string, () => Row[] | Promise<Row[]>>> = {
    memory: () => memory(root),
    check: () => cold(root),
    keystroke: () => afterKeystroke(root),
    server: () => serverLatencies(root, server),
    waits: () => responsiveness(root, server),
    activation: () => activation(server, client),
    compile: () => compilation(root),
  };
  const unknown = wanted.find((name) => !(name in sections));
  if (unknown !== undefined) {
    console.error(`There is no section ${unknown}; choose among ${Object.keys(sections).join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  const rows: Row[] = [];
  for (const [name, run] of Object.entries(sections))
    if (wanted.length === 0 || wanted.includes(name)) rows.push(...(await run()));
  if (rows.length === 0) console.error('../shared/models/large is absent; nothing to measure.');
  else if (options.includes('--json'))
    console.log(
      JSON.stringify(
        rows.map((row) => ({ ...row, pass: passes(row) })),
        undefined,
        2,
      ),
    );
  else console.log(table(rows));
}

await main(process.argv.slice(2));
