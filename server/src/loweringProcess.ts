/** Previews in a process of their own, on Node. It is this program once more, told so by its environment. */
import { fork, type ChildProcess } from 'node:child_process';
import { runJob, type Job, type LoweringRunner } from './loweringQueue.ts';
import type { BuildResult, LowerResult } from './protocol.ts';

const mark = 'RELAY_LOWERING_PROCESS';

/** True in the process that was started for previews. */
export function isLoweringProcess(): boolean {
  return process.env[mark] === '1' && process.send !== undefined;
}

/** Answers jobs until the parent goes away. */
export function serveLowering(): void {
  process.on('message', (job: Job) => {
    process.send?.(runJob(job));
  });
  process.on('disconnect', () => process.exit(0));
}

/** Starts the process with the first job, keeps it for the next, and ends it when a job is given up. */
export function runInProcess(program: string): LoweringRunner {
  let child: ChildProcess | undefined;
  const start = (): ChildProcess => {
    const started = fork(program, process.argv.slice(2), {
      env: { ...process.env, [mark]: '1' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    started.once('exit', () => {
      if (child === started) child = undefined;
    });
    return started;
  };
  const stop = (): void => {
    child?.kill('SIGKILL');
    child = undefined;
  };
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        child ??= start();
        const worker = child;
        const ended = (): void => reject(new Error('its process ended.'));
        worker.once('exit', ended);
        worker.once('error', reject);
        worker.once('message', (result: LowerResult | BuildResult) => {
          worker.off('exit', ended);
          worker.off('error', reject);
          resolve(result);
        });
        worker.send(job);
      }),
    stop,
    dispose: stop,
  };
}
