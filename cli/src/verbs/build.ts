import path from 'node:path';
import { buildModel, saveBuild, type ModelProgram } from '../../../boards/src/index.ts';
import { memoryJson, programOf } from '../deployment.ts';
import { projectFiles } from '../../../compiler/src/emit/project.ts';
import { compileWithin } from '../flash-budget.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import {
  compileOptions,
  finish,
  loadModel,
  modelName,
  modelOptions,
  readCompileOptions,
  type Bench,
  withBench,
} from '../model.ts';
import { arenaLines, withArena } from '../memory-text.ts';
import { counted } from '../../../compiler/src/base/text.ts';
import { noteUnused, readRecords } from '../records.ts';
import { thousands } from '../render.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

async function build(args: ParsedArguments, io: CommandIO, bench: Bench, folder: string): Promise<ExitCode> {
  const model = loadModel(args, io);
  if (!model.ok) return finish(model.error, args, io);
  const { profile, toolchain } = bench;
  const records = readRecords(args, profile, toolchain.version, io);
  if (!records.ok) return finish({ failure: records.error, code: 1 }, args, io);
  const small = args.flag('size');
  const lineFile = args.flag('line-directives') ? path.relative(folder, model.value.path) : undefined;
  const options = readCompileOptions(args);
  if (!options.ok) return finish({ failure: options.error, code: 2 }, args, io);
  const compiled = await compileWithin(bench, model.value, records.value, io.token, {
    ...options.value,
    // As seen from the folder, where the project is compiled.
    ...(lineFile === undefined ? {} : { lineFile: lineFile.split(path.sep).join('/') }),
  });
  if (!compiled.ok) return finish({ failure: compiled.error, code: 1 }, args, io);
  const notice = noteUnused(args, records.value, compiled.value.kernels, profile, io);
  const program = lineFile === undefined ? programOf(compiled.value) : debuggable(programOf(compiled.value));
  const image = await buildModel(toolchain, program, { token: io.token });
  if (!image.ok) return finish({ failure: withArena(image.error, compiled.value.report.arena), code: 1 }, args, io);
  const { report } = compiled.value;
  const { ram, flash } = memoryJson(profile, image.value.size, compiled.value);
  const layers = report.layers.map(({ origin: _, ...layer }) => layer);
  const json = {
    ok: true,
    model: model.value.name,
    board: profile.name,
    target: profile.target,
    macs: report.macs,
    ram,
    flash,
    arenaPeak: report.arena.peak,
    layers,
    ...(notice === undefined ? {} : { notices: [notice] }),
  };
  const optimise = `${small ? '-Os' : '-O3'}${lineFile === undefined ? '' : ' -g'}`;
  const saved = await saveBuild(folder, toolchain, program, image.value, {
    extra: projectFiles({
      ...program,
      processorFlags: profile.transport.kind === 'process' ? [] : profile.compiler.flags,
      compiler: profile.compiler.command,
      optimise,
    }),
    report: json,
    force: args.flag('force'),
  });
  if (!saved.ok) return finish({ failure: saved.error, code: 2 }, args, io);
  const files = saved.value;
  if (args.flag('json')) {
    io.out(JSON.stringify({ ...json, folder, files }));
    return exit.ok;
  }
  const { size } = image.value;
  io.out(`${model.value.name} for ${profile.name}: ${files.length} files in ${folder}`);
  io.out(
    `  flash ${thousands(size.flash)} B (code ${thousands(size.code)}, constants ${thousands(report.constantBytes)})`,
  );
  io.out(
    `  RAM   ${thousands(size.ram)} B (arena ${thousands(report.arena.bytes)}, stack ${thousands(size.stack)} reserved)`,
  );
  for (const line of arenaLines(report.arena)) io.out(line);
  const tuned = report.layers.filter((l) => l.choice === 'tuned').length;
  io.out(
    `  ${counted(report.layers.length, 'kernel')}, ${tuned} with tuned schedules, ${thousands(report.macs)} multiply-accumulates`,
  );
  return exit.ok;
}

/** With line tables in the objects, which the directives are for. */
function debuggable(program: ModelProgram): ModelProgram {
  const files = program.module.files.map((f) =>
    f.name.endsWith('.c') ? { ...f, flags: [...(f.flags ?? []), '-g'] } : f,
  );
  return { ...program, module: { ...program.module, files } };
}

export const buildVerb: Verb = {
  name: 'build',
  summary: 'Compile a model to C, a header and an ELF for a board.',
  usage: 'FILE --params P --board B -o DIR [--size] [--line-directives] [--json]',
  options: {
    params: modelOptions.params,
    board: modelOptions.board,
    records: modelOptions.records,
    json: modelOptions.json,
    ...compileOptions,
    'line-directives': { type: 'boolean', summary: '`#line` directives, so that a debugger shows the program' },
    name: modelOptions.name,
    force: { type: 'boolean', summary: 'write over files in the folder that no earlier build wrote' },
    output: { type: 'string', short: 'o', value: 'DIR', summary: 'the folder to write to (default build/NAME)' },
  },
  positionals: { min: 1, max: 1 },
  stopsInOrder: true,
  run: (args, io) => {
    const output = args.text('output') ?? path.join('build', modelName(args));
    return withBench(args, io, (bench) => build(args, io, bench, output));
  },
};
