/** Previews in a worker of their own, in a browser. It is this program once more, told so by its name. */
import { runHere, runJob, type Job, type JobResult, type LoweringRunner } from './loweringQueue.ts';

const mark = 'relay-lowering';

/** As much of a worker as is used here: this room is compiled without the DOM's types. */
interface Worker {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { preventDefault?(): void }) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

/** A worker's own global scope. */
export interface WorkerScope {
  readonly name?: string;
  readonly location?: { readonly href: string };
  readonly Worker?: new (url: string, options: { readonly name: string }) => Worker;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
}

/** True in the worker that was started for previews. */
export function isLoweringWorker(scope: WorkerScope): boolean {
  return scope.name === mark;
}

/** Answers jobs until it is terminated. */
export function serveLoweringWorker(scope: WorkerScope): void {
  scope.onmessage = ({ data }) => scope.postMessage(runJob(data as Job));
}

/**
 * Starts the worker with the first job, keeps it for the next, and ends it when a job is given up. Where a worker may
 * not start another, previews are made here.
 */
export function runInWorker(scope: WorkerScope): LoweringRunner {
  let worker: Worker | undefined;
  let works: boolean | undefined;
  const start = (): Worker | undefined => {
    const url = scope.location?.href;
    if (!scope.Worker || url === undefined || works === false) return undefined;
    try {
      return new scope.Worker(url, { name: mark });
    } catch {
      works = false;
      return undefined;
    }
  };
  const stop = (): void => {
    worker?.terminate();
    worker = undefined;
  };
  return {
    run: (job) => {
      worker ??= start();
      const current = worker;
      if (!current) return runHere.run(job);
      return new Promise<JobResult>((resolve, reject) => {
        current.onmessage = ({ data }) => {
          works = true;
          resolve(data as JobResult);
        };
        current.onerror = (event) => {
          event.preventDefault?.();
          stop();
          // A worker that never answered cannot be had here; one that did has met a bug with this job.
          if (works === true) return reject(new Error('its worker ended.'));
          works = false;
          runHere.run(job).then(resolve, reject);
        };
        current.postMessage(job);
      });
    },
    stop,
    dispose: stop,
  };
}
