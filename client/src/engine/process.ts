/** Runs the engine in a child process: the same command as in a terminal. */
import { spawn } from 'node:child_process';
import { LineSplitter, parseProgress, type Progress } from './progress.ts';
import { objectAt, parseObject, textAt, type JsonObject } from './values.ts';

export interface EngineRun {
  /** The program and the arguments before the verb: Node and `bin/relay`. */
  readonly program: string;
  readonly prefix: readonly string[];
  readonly args: readonly string[];
  readonly cwd?: string;
  /** What its standard input holds; nothing by default. */
  readonly input?: string;
  readonly env: Record<string, string | undefined>;
  readonly onProgress?: (progress: Progress) => void;
  /** Every line of standard error that is no progress, for the log. */
  readonly onLog?: (line: string) => void;
  /** Asks the engine to stop: an interrupt, and the end of the process when that does not help. */
  readonly signal?: AbortSignal;
}

export type EngineOutcome =
  | { readonly kind: 'done'; readonly exitCode: number; readonly json: JsonObject }
  | { readonly kind: 'cancelled'; readonly json: JsonObject | undefined }
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string | undefined };

/** How long a cancelled engine may take to finish its batch and to run the best build that it found. */
const graceMs = 20_000;
/** A summary larger than this is no summary. */
const mostOutput = 64 * 1024 * 1024;

/** Runs to the end; never rejects. */
export function runEngine(run: EngineRun): Promise<EngineOutcome> {
  return new Promise((resolve) => {
    const child = spawn(run.program, [...run.prefix, ...run.args], {
      env: run.env,
      stdio: [run.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(run.cwd === undefined ? {} : { cwd: run.cwd }),
    });
    // An engine that ends before it has read everything says why itself.
    child.stdin?.on('error', () => undefined).end(run.input);
    let output = '';
    const logged: string[] = [];
    const lines = new LineSplitter((line) => {
      const progress = parseProgress(line);
      if (progress) return run.onProgress?.(progress);
      if (line.trim() === '') return undefined;
      logged.push(line);
      if (logged.length > 40) logged.shift();
      return run.onLog?.(line);
    });
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.length < mostOutput) output += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => lines.push(chunk));

    let killer: ReturnType<typeof setTimeout> | undefined;
    const stop = (): void => {
      child.kill('SIGINT');
      killer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    if (run.signal?.aborted) stop();
    else run.signal?.addEventListener('abort', stop, { once: true });

    const finish = (outcome: EngineOutcome): void => {
      clearTimeout(killer);
      run.signal?.removeEventListener('abort', stop);
      resolve(outcome);
    };
    child.on('error', (error) =>
      finish({ kind: 'failed', message: `The engine could not be started: ${error.message}.`, remedy: undefined }),
    );
    child.on('close', (code) => {
      lines.end();
      const json = parseObject(output);
      if (run.signal?.aborted) finish({ kind: 'cancelled', json: objectAt(json, 'error') ? undefined : json });
      else finish(outcomeOf(code, json, logged));
    });
  });
}

/** What an exit code and a summary mean together. */
function outcomeOf(code: number | null, json: JsonObject | undefined, logged: readonly string[]): EngineOutcome {
  const error = objectAt(json, 'error');
  if (error) {
    const message = textAt(error, 'message') ?? 'The engine reported an error.';
    return { kind: 'failed', message, remedy: textAt(error, 'remedy') };
  }
  if (json) return { kind: 'done', exitCode: code ?? 1, json };
  const last = logged.slice(-6).join('\n');
  const how = code === null ? 'was ended from outside' : `ended with exit code ${code}`;
  return { kind: 'failed', message: last === '' ? `The engine ${how}.` : last, remedy: undefined };
}
