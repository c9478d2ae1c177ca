/**
 * Child processes that never outlive us: killed on close, when this process exits, and (where `setpriv` exists) by the
 * kernel when this process dies without a chance to clean up. Never through a shell.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const running = new Set<ChildProcess>();
let hooked = false;

/** Children lead process groups of their own: Ctrl-C in the terminal reaches this process alone, which ends them in order. */
const ownGroup = process.platform !== 'win32';

function hookExit(): void {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const child of running) killChild(child);
  });
}

/** Ends a child and everything it started (a compiler driver's passes). */
export function killChild(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (ownGroup) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** Absolute path of a command on the path (or the command itself when it is a path that exists). */
export function findCommand(command: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  const suffixes = process.platform === 'win32' ? ['.exe', ''] : [''];
  const folders = path.basename(command) === command ? searchPath.split(path.delimiter) : [''];
  for (const folder of folders) {
    if (folder === '' && folders.length > 1) continue;
    for (const suffix of suffixes) {
      const candidate = folder === '' ? command + suffix : path.join(folder, command + suffix);
      if (existsSync(candidate)) return path.resolve(candidate);
    }
  }
  return undefined;
}

let guard: readonly string[] | undefined;

/** A prefix that makes the kernel kill the child when this process dies. */
function deathGuard(): readonly string[] {
  if (guard === undefined) {
    const setpriv = process.platform === 'linux' ? findCommand('setpriv') : undefined;
    guard = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  }
  return guard;
}

export interface ChildOptions {
  readonly stdin?: 'pipe' | 'ignore';
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts an executable by its absolute path. */
export function startChild(executable: string, args: readonly string[], options: ChildOptions = {}): ChildProcess {
  hookExit();
  const [command = executable, ...rest] = [...deathGuard(), executable, ...args];
  const child = spawn(command, rest, {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    detached: ownGroup,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** Process ids of the children started here that are alive; tests look for what is left behind. */
export function runningChildren(): readonly number[] {
  return [...running].flatMap((child) => (child.pid === undefined ? [] : [child.pid]));
}

export interface Finished {
  /** Exit code; null when killed by a signal or not started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

/** Runs to the end, the limit or cancellation; output is capped. */
export function runChild(
  executable: string,
  args: readonly string[],
  options: ChildOptions & {
    readonly limitMs: number;
    readonly token?: { readonly isCancellationRequested: boolean } | undefined;
  },
): Promise<Finished> {
  const cap = 1 << 20;
  return new Promise((resolve) => {
    const child = startChild(executable, args, options);
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    let cancelled = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < cap) stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < cap) stderr += text;
    });
    const timer = setTimeout(() => {
      timedOut = true;
      killChild(child);
    }, options.limitMs);
    const poll = setInterval(() => {
      if (!options.token?.isCancellationRequested) return;
      cancelled = true;
      killChild(child);
    }, 50);
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      clearTimeout(timer);
      clearInterval(poll);
      resolve({ code, signal, stdout, stderr, timedOut, cancelled });
    };
    child.once('error', (error) => {
      stderr += error.message;
      finish(null, null);
    });
    child.once('close', finish);
  });
}
