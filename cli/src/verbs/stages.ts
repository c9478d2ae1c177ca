import { stages } from '../../../compiler/src/pipeline/stages.ts';
import { assemblyStage } from '../assembly.ts';
import { exit } from '../io.ts';
import { renderTable } from '../render.ts';
import type { Verb } from '../verb.ts';

export const stagesVerb: Verb = {
  name: 'stages',
  summary: 'List the stages that `relay lower --stage` takes.',
  usage: '[--json]',
  options: { json: { type: 'boolean', summary: 'print one JSON object' } },
  positionals: { min: 0, max: 0 },
  run(args, io) {
    const rows = [...stages, assemblyStage];
    if (args.flag('json')) {
      io.out(
        JSON.stringify({
          stages: rows.map(({ name, title, summary, language }) => ({ name, title, summary, language })),
        }),
      );
    } else {
      io.out(
        renderTable(
          ['stage', 'what it shows'],
          rows.map((s) => [s.name, s.summary]),
          io.columns,
        ),
      );
    }
    return exit.ok;
  },
};
