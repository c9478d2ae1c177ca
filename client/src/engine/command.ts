/** Arguments and environment of the engine's command line. Never through a shell: names reach it as they are. */
import * as path from 'node:path';

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
  readonly trials: number;
  /** 0: no limit. */
  readonly seconds: number;
}

function common(verb: string, request: Pick<TuneRequest, 'model' | 'params' | 'board'>): string[] {
  const params = request.params === undefined ? [] : ['--params', request.params];
  // Options come first and `--` ends them, so that a file whose name begins with a dash stays a file.
  return [verb, ...params, '--board', request.board, '--json', '--progress=json'];
}

/** `relay tune … -- FILE` */
export function tuneArguments(request: TuneRequest): readonly string[] {
  const limit = request.seconds > 0 ? ['--seconds', String(request.seconds)] : [];
  return [...common('tune', request), '--trials', String(request.trials), ...limit, '--', request.model];
}

/** `relay deploy … -- FILE` */
export function deployArguments(request: Pick<TuneRequest, 'model' | 'params' | 'board'>): readonly string[] {
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
}

/** `relay lower --stage asm … -- -` */
export function assemblyArguments({ name, params, board, kernel, records }: AssemblyRequest): readonly string[] {
  return [
    ...['lower', '--stage', 'asm', '--json', '--board', board, '--name', name],
    ...(params === undefined ? [] : ['--params', params]),
    ...(kernel === undefined ? [] : ['--kernel', kernel]),
    ...(records === undefined ? [] : ['--records', records]),
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
