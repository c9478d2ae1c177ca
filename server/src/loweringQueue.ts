/**
 * Previews one after the other, away from the documents: a slow one delays neither a keystroke nor a hover. A newer
 * version of the same preview takes the place of the older one, running or waiting; whoever asked gets the newer.
 */
import { lowerDocument, refusedLowering, type LoweringJob } from './features/lowering.ts';
import type { BuildResult, CompareResult, LowerResult } from './protocol.ts';
import { buildDocument, refusedBuild, type BuildJob } from './requests/build.ts';
import { compareDocuments, refusedComparison, type CompareJob } from './requests/compare.ts';

/** Work for the process of previews: a stage's text, what compiling tells, or a comparison of programs. */
export type Job = LoweringJob | BuildJob | CompareJob;
export type ResultOf<J extends Job> = J extends BuildJob
  ? BuildResult
  : J extends CompareJob
    ? CompareResult
    : LowerResult;
export type JobResult = LowerResult | BuildResult | CompareResult;

/** Does a job here and now. */
export function runJob(job: Job): JobResult {
  if (!('kind' in job)) return lowerDocument(job);
  return job.kind === 'build' ? buildDocument(job) : compareDocuments(job);
}

/** Does one job at a time, somewhere. `stop` gives it up; its result is not waited for any more. */
export interface LoweringRunner {
  run(job: Job): Promise<JobResult>;
  stop(): void;
  dispose(): void;
}

/** Lowers in this thread, for hosts that have no other. */
export const runHere: LoweringRunner = {
  run: (job) => new Promise((resolve) => setTimeout(() => resolve(runJob(job)), 0)),
  stop: () => undefined,
  dispose: () => undefined,
};

interface Entry {
  readonly key: string;
  readonly job: Job;
  /** Each takes the result of the job's kind: the key says which. */
  readonly waiters: ((result: never) => void)[];
}

export class LoweringQueue {
  private readonly runner: LoweringRunner;
  private readonly waiting = new Map<string, Entry>();
  private running: Entry | undefined;

  constructor(runner: LoweringRunner) {
    this.runner = runner;
  }

  /** The document at the stage; of the version asked for or of a newer one. */
  request<J extends Job>(job: J): Promise<ResultOf<J>> {
    const key = `${subjectOf(job)} ${job.uri}`;
    return new Promise<ResultOf<J>>((resolve) => {
      const waiters: Entry['waiters'] = [resolve];
      if (this.running?.key === key) {
        if (sameJob(this.running.job, job)) {
          this.running.waiters.push(resolve);
          return;
        }
        waiters.unshift(...this.running.waiters);
        this.giveUp();
      }
      waiters.unshift(...(this.waiting.get(key)?.waiters ?? []));
      this.waiting.set(key, { key, job, waiters });
      this.next();
    });
  }

  /** Gives up everything about a document that was closed. */
  closed(uri: string): void {
    const gone = [...this.waiting.values(), ...(this.running ? [this.running] : [])].filter((e) => e.job.uri === uri);
    if (this.running?.job.uri === uri) this.giveUp();
    for (const entry of gone) {
      this.waiting.delete(entry.key);
      settle(entry, refused(entry.job, 'The source was closed.'));
    }
    this.next();
  }

  dispose(): void {
    this.runner.dispose();
  }

  private giveUp(): void {
    this.running = undefined;
    this.runner.stop();
  }

  private next(): void {
    if (this.running) return;
    // What somebody looks at goes before what tells about a whole program, which may take minutes.
    const waiting = [...this.waiting.values()];
    const entry = waiting.find(({ job }) => !('kind' in job && job.kind === 'build')) ?? waiting[0];
    if (!entry) return;
    this.waiting.delete(entry.key);
    this.running = entry;
    const finish = (result: JobResult): void => {
      if (this.running !== entry) return;
      this.running = undefined;
      settle(entry, result);
      this.next();
    };
    this.runner.run(entry.job).then(finish, (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      finish(refused(entry.job, `Lowering failed: ${message}`));
    });
  }
}

function refused(job: Job, message: string): JobResult {
  if (!('kind' in job)) return refusedLowering(job.version, message);
  return job.kind === 'build' ? refusedBuild(job, message) : refusedComparison(job, message);
}

/** What a job is about, beside its document: of two jobs about the same the newer counts. */
function subjectOf(job: Job): string {
  if (!('kind' in job)) return job.stage;
  return job.kind === 'build' ? `build ${job.target ?? ''}` : `compare ${job.other.uri}`;
}

function settle(entry: Entry, result: JobResult): void {
  for (const resolve of entry.waiters) resolve(result as never);
}

function sameJob(a: Job, b: Job): boolean {
  const [x, y] = [inputsOf(a), inputsOf(b)];
  return a.version === b.version && x.every((input, i) => input === y[i]);
}

function inputsOf(job: Job): readonly (string | undefined)[] {
  if ('kind' in job && job.kind === 'compare') return [job.text, job.other.text];
  const { memory, options } = job;
  return [job.text, job.params, job.target, job.records, JSON.stringify({ memory, options })];
}
