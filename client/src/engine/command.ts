/** Arguments and environment of the engine's command line. Never through a shell: names reach it as they are. */
import * as path from 'node:path';
import type { BuildOptions, TuneOptions } from './tuneOptions.ts';

/** Settings of the machine that say where tools are. */
export interface ToolPaths {
  readonly toolchain: string;
  readonly qemu: string;
  readonly boards: readonly string[];
}

export interface TuneRequest {
  readonly model: string;
  readonly params: string | undefined;
  readonly board: string;
  readonly options: TuneOptions;
}

function common(verb: string, { params, board, options }: TuneRequest): string[] {
  const given = params === undefined ? [] : ['--params', params];
  // Options come first and `--` ends them, so that a file whose name begins with a dash stays a file.
  return [verb, ...given, '--board', board, '--json', '--progress=json', ...buildArguments(options)];
}

/** Options of builds as the command line has them. */
function buildArguments({ cost, codePrice, arena, flash, size }: BuildOptions): readonly string[] {
  return [
    ...(cost === 'cycles' ? ['--cost', 'cycles'] : []),
    ...(codePrice === undefined ? [] : ['--code-price', String(codePrice)]),
    ...(arena > 0 ? ['--arena', String(arena)] : []),
    ...(flash > 0 ? ['--flash', String(flash)] : []),
    ...(size ? ['--size'] : []),
  ];
}

/** `relay tune … -- FILE` */
export function tuneArguments(request: TuneRequest): readonly string[] {
  const { trials, seconds } = request.options;
  const limit = seconds > 0 ? ['--seconds', String(seconds)] : [];
  return [...common('tune', request), '--trials', String(trials), ...limit, '--', request.model];
}

/** `relay deploy … -- FILE` */
export function deployArguments(request: TuneRequest): readonly string[] {
  return [...common('deploy', request), '--', request.model];
}

/** The assembly of a program that comes over standard input. */
export interface AssemblyRequest {
  /** The program's name in C. */
  readonly name: string;
  readonly params: string | undefined;
  readonly board: string;
  /** One kernel alone. */
  readonly kernel: string | undefined;
  /** Tuning records, whose best configurations are used. */
  readonly records: string | undefined;
  readonly options: BuildOptions;
}

/** `relay lower --stage asm … -- -` */
export function assemblyArguments({
  name,
  params,
  board,
  kernel,
  records,
  options,
}: AssemblyRequest): readonly string[] {
  return [
    ...['lower', '--stage', 'asm', '--json', '--board', board, '--name', name],
    ...(params === undefined ? [] : ['--params', params]),
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
    ...(records === undefined ? [] : ['--records', records]),
    // What flash a program takes only a linker knows.
    ...buildArguments({ ...options, flash: 0 }),
    ...['--', '-'],
  ];
}

/** `relay boards --json` */
export const boardsArguments: readonly string[] = ['boards', '--json'];

/**
 * The environment of the engine: the tools' folders in front of the `PATH`, board folders in `RELAY_BOARDS`. Electron
 * runs as Node.
 */
export function engineEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  tools: ToolPaths,
): Record<string, string | undefined> {
  const folders = [tools.toolchain, tools.qemu].filter((folder) => folder !== '');
  return {
    ...base,
    PATH: [...folders, base['PATH'] ?? ''].filter((part) => part !== '').join(path.delimiter),
    ELECTRON_RUN_AS_NODE: '1',
    ...(tools.boards.length > 0 ? { RELAY_BOARDS: tools.boards.join(path.delimiter) } : {}),
  };
}
