import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import { lowerTo } from '../../../compiler/src/pipeline/compile.ts';
import { stageNamed, stages } from '../../../compiler/src/pipeline/stages.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import { exit } from '../io.ts';
import { finish, loadModel, placed } from '../model.ts';
import { chooseProfile } from '../profiles.ts';
import { renderFailure } from '../render.ts';
import type { Verb } from '../verb.ts';

export const lowerVerb: Verb = {
  name: 'lower',
  summary: 'Print a program at one stage of compilation.',
  usage: 'FILE --stage NAME [--params P] [--board B] [--json]',
  options: {
    stage: { type: 'string', value: 'NAME', summary: 'a stage of `relay stages`' },
    params: { type: 'string', value: 'P', summary: 'the parameter file that holds the weights' },
    board: { type: 'string', value: 'B', summary: 'the board whose processor to lower for (default mps2-an386)' },
    json: { type: 'boolean', summary: 'print one JSON object: text, language, and the source lines of each line' },
  },
  positionals: { min: 1, max: 1 },
  run(args, io) {
    const stage = stageNamed(args.text('stage') ?? '');
    if (!stage) {
      const names = stages.map((s) => s.name).join(', ');
      const wanted = args.text('stage');
      const message = wanted === undefined ? '--stage is missing.' : `There is no stage '${wanted}'.`;
      io.err(renderFailure({ code: 'usage', message, remedy: `Stages: ${names}.` }, io.colour));
      return exit.usage;
    }
    const model = loadModel(args, io);
    if (!model.ok) return finish(model.error, args, io);
    const profile = chooseProfile(args.text('board'));
    if (!profile.ok) return finish({ failure: profile.error, code: 2 }, args, io);
    const target = targetNamed(profile.value.target);
    if (!target.ok) return finish({ failure: target.error, code: 2 }, args, io);
    const { text, params, name } = model.value;
    const request = { text, target: target.value, name, token: io.token, ...(params.size > 0 ? { params } : {}) };
    const lowered = lowerTo(request, stage.name);
    if (!lowered.ok) return finish({ failure: placed(model.value, lowered.error), code: 1 }, args, io);
    const printed = stage.print(lowered.value);
    if (!args.flag('json')) {
      io.out(printed.text.replace(/\n$/, ''));
      return exit.ok;
    }
    const lines = new LineIndex(text);
    const anchors = lowered.value.check?.tree.anchors ?? model.value.source.view.anchors;
    const origins = printed.lines.flatMap((line, index) =>
      line.origin.map((span) => {
        const range = resolveSpan(anchors, span);
        return { line: index, start: lines.position(range.start), end: lines.position(range.end) };
      }),
    );
    io.out(JSON.stringify({ stage: stage.name, language: stage.language, text: printed.text, origins }));
    return exit.ok;
  },
};
