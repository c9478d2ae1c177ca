import { ok } from '../../../compiler/src/base/result.ts';
import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import type { PrintedText } from '../../../compiler/src/ir/print.ts';
import { memoryOf, Toolchain } from '../../../boards/src/index.ts';
import { lowerForBoard } from '../../../compiler/src/pipeline/board-build.ts';
import { noRecords } from '../../../compiler/src/records/best.ts';
import { stageNamed, stages, type StageName } from '../../../compiler/src/pipeline/stages.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import { assemblyStage, printAssembly, type AssemblyText } from '../assembly.ts';
import { exit } from '../io.ts';
import { compileOptions, finish, loadModel, modelOptions, placed, readCompileOptions } from '../model.ts';
import { chooseProfile } from '../profiles.ts';
import { noteUnused, readRecords } from '../records.ts';
import type { Verb } from '../verb.ts';

interface Wanted {
  readonly name: string;
  readonly language: string;
  /** The compiler's own stage that it is or is made from. */
  readonly reach: StageName;
}

function stageWanted(name: string): Wanted | undefined {
  if (name === assemblyStage.name) return { name, language: assemblyStage.language, reach: 'c' };
  const stage = stageNamed(name);
  return stage && { name: stage.name, language: stage.language, reach: stage.name };
}

/** How big the flash is only a linker knows. */
const { flash: _flash, ...withoutFlash } = compileOptions;

export const lowerVerb: Verb = {
  name: 'lower',
  summary: 'Print a program at one stage of compilation, down to the assembly of the board’s compiler.',
  usage: 'FILE --stage NAME [--params P] [--board B] [--records FILE] [--kernel K] [--json]',
  options: {
    stage: { type: 'string', value: 'NAME', summary: 'a stage of `relay stages`' },
    to: { type: 'string', value: 'NAME', summary: 'the same as --stage' },
    params: { type: 'string', value: 'P', summary: 'the parameter file that holds the weights' },
    board: { type: 'string', value: 'B', summary: 'the board whose processor to lower for (default mps2-an386)' },
    records: { type: 'string', value: 'FILE', summary: 'tuning records, whose best configurations are used' },
    kernel: { type: 'string', value: 'K', summary: 'print the assembly of this kernel alone' },
    name: modelOptions.name,
    ...withoutFlash,
    json: { type: 'boolean', summary: 'print one JSON object: text, language, and the source lines of each line' },
  },
  positionals: { min: 1, max: 1 },
  async run(args, io) {
    const name = args.text('stage') ?? args.text('to');
    const stage = stageWanted(name ?? '');
    if (!stage) {
      const names = [...stages.map((s) => s.name), assemblyStage.name].join(', ');
      const message = name === undefined ? '--stage is missing.' : `There is no stage '${name}'.`;
      return finish({ failure: { code: 'usage', message, remedy: `Stages: ${names}.` }, code: 2 }, args, io);
    }
    const model = loadModel(args, io);
    if (!model.ok) return finish(model.error, args, io);
    const profile = chooseProfile(args.text('board'));
    if (!profile.ok) return finish({ failure: profile.error, code: 2 }, args, io);
    const target = targetNamed(profile.value.target);
    if (!target.ok) return finish({ failure: target.error, code: 2 }, args, io);
    const { text, params, name: title } = model.value;
    const options = readCompileOptions(args);
    if (!options.ok) return finish({ failure: options.error, code: 2 }, args, io);
    const recorded = args.text('records') !== undefined;
    const compiler = recorded ? await Toolchain.versionOf(profile.value) : undefined;
    const records = recorded ? readRecords(args, profile.value, compiler, io) : ok(noRecords);
    if (!records.ok) return finish({ failure: records.error, code: 2 }, args, io);
    const request = {
      text,
      target: target.value,
      name: title,
      token: io.token,
      ...(params.size > 0 ? { params } : {}),
      ...options.value,
    };
    const build = { records: records.value, memory: memoryOf(profile.value) };
    const lowered = lowerForBoard(request, build, stage.reach);
    if (!lowered.ok) return finish({ failure: placed(model.value, lowered.error), code: 1 }, args, io);
    noteUnused(args, records.value, lowered.value.kernels, profile.value, io);
    let printed: PrintedText & Partial<AssemblyText>;
    if (stage.name === assemblyStage.name) {
      const assembly = await printAssembly(lowered.value, profile.value, args.text('kernel'), io.token);
      if (!assembly.ok) {
        const usage = ['missing-tool', 'no-such-kernel'].includes(assembly.error.code);
        return finish({ failure: assembly.error, code: usage ? 2 : 1 }, args, io);
      }
      printed = assembly.value;
    } else {
      const printer = stageNamed(stage.name);
      if (!printer) throw new Error(`no stage ${stage.name}`);
      printed = printer.print(lowered.value);
    }
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
    const c = printed.c === undefined ? {} : { c: printed.c };
    io.out(JSON.stringify({ stage: stage.name, language: stage.language, text: printed.text, origins, ...c }));
    return exit.ok;
  },
};
