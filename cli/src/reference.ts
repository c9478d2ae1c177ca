/**
 * The reference that boards are compared with, evaluated in a thread of its own: it may take minutes, and Ctrl-C is heard
 * while it does. The thread is this program once more, told so by its data; where the program runs from its sources, which
 * threads cannot load, the reference is evaluated here.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Cancelled, type CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { errorScales } from '../../compiler/src/evaluate/error-scale.ts';
import { evaluateMain } from '../../compiler/src/evaluate/ir.ts';
import { sensitivityOf } from '../../compiler/src/evaluate/sensitivity.ts';
import { backend } from '../../compiler/src/pipeline/backend.ts';
import { lowerTo } from '../../compiler/src/pipeline/compile.ts';
import type { CompileResult } from '../../compiler/src/passes/fuse.ts';
import type { CompileState } from '../../compiler/src/pipeline/state.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { evaluatorReference, type Reference } from '../../tuner/src/index.ts';

/** The program, as plain data. */
interface Program {
  readonly text: string;
  readonly params: ReadonlyMap<string, NDArray>;
  readonly target: string;
  readonly withoutPasses: readonly string[];
}

/** What is asked: the outputs of the whole program or of one of its kernels, or what rounding may do to the program's. */
type Question =
  | { readonly kind: 'program'; readonly inputs: ReadonlyMap<string, NDArray> }
  | { readonly kind: 'kernel'; readonly name: string; readonly inputs: readonly NDArray[] }
  | { readonly kind: 'rounding'; readonly inputs: ReadonlyMap<string, NDArray> };

type Outputs = Result<readonly NDArray[]>;

/** What rounding may do to the outputs, a number for each; undefined where it is not known. */
export interface Rounding {
  /** As `errorScales`. */
  readonly scales: readonly number[] | undefined;
  /** As `sensitivityOf`. */
  readonly changes: readonly number[] | undefined;
}

interface Answers {
  readonly program: Outputs;
  readonly kernel: Outputs;
  readonly rounding: Result<Rounding>;
}

type Kind = keyof Answers;
type Answering = (question: Question) => Answers[Kind];

const mark = 'relay-reference';
const inThread = !import.meta.url.endsWith('.ts');
/** How often a running evaluation looks for a cancelled token, in milliseconds. */
const pollMs = 50;

/** The reference of one program. Close it to end its thread. */
export class ProgramReference {
  private readonly program: Program;
  private thread: Worker | undefined;
  private answer: Answering | undefined;
  /** The last inputs of the whole program and what came of them: runs before and after a search have the same. */
  private last: { readonly inputs: ReadonlyMap<string, NDArray>; readonly outputs: Outputs } | undefined;

  constructor(program: Program) {
    this.program = program;
  }

  /** Outputs of `@main`, flattened to tensors. Throws `Cancelled`. */
  async outputs(inputs: ReadonlyMap<string, NDArray>, token: CancellationToken): Promise<Outputs> {
    if (this.last?.inputs !== inputs)
      this.last = { inputs, outputs: await this.ask({ kind: 'program', inputs }, token) };
    return this.last.outputs;
  }

  /** What rounding may do to the outputs of `@main`; takes a few evaluations. Throws `Cancelled`. */
  async rounding(inputs: ReadonlyMap<string, NDArray>, token: CancellationToken): Promise<Rounding> {
    const rounding = await this.ask({ kind: 'rounding', inputs }, token);
    return rounding.ok ? rounding.value : { scales: undefined, changes: undefined };
  }

  /** Outputs of kernels, for the tuner. Fails with `cancelled`. */
  readonly ofKernel: Reference = async (task, inputs, token) => {
    try {
      const outputs = await this.ask({ kind: 'kernel', name: task.fused.name, inputs }, token);
      return !outputs.ok && outputs.error.code === 'no-such-kernel' ? evaluatorReference(task, inputs) : outputs;
    } catch (error) {
      if (error instanceof Cancelled) return fail('cancelled', 'Cancelled.');
      throw error;
    }
  };

  async close(): Promise<void> {
    const { thread } = this;
    this.thread = undefined;
    await thread?.terminate();
  }

  /** Each kind of question has its own answer, which a thread's messages and `answering` do not show in their types. */
  private ask<K extends Kind>(
    question: Question & { readonly kind: K },
    token: CancellationToken,
  ): Promise<Answers[K]> {
    if (!inThread) return Promise.resolve((this.answer ??= answering(this.program))(question) as Answers[K]);
    if (token.isCancellationRequested) return Promise.reject(new Cancelled());
    this.thread ??= new Worker(new URL(import.meta.url), { workerData: { mark, program: this.program } });
    const { thread } = this;
    return new Promise<Answers[K]>((resolve, reject) => {
      const poll = setInterval(() => {
        if (!token.isCancellationRequested) return;
        settle();
        void this.close().then(() => reject(new Cancelled()));
      }, pollMs);
      const answered = (answer: Answers[K]): void => {
        settle();
        resolve(answer);
      };
      const failed = (error: Error): void => {
        settle();
        this.thread = undefined;
        reject(error);
      };
      const settle = (): void => {
        clearInterval(poll);
        thread.off('message', answered);
        thread.off('error', failed);
      };
      thread.on('message', answered);
      thread.on('error', failed);
      thread.postMessage(question);
    });
  }
}

/** Answers questions about a program, which is lowered once for each kind of them. */
function answering({ text, params, target, withoutPasses }: Program): Answering {
  const processor = targetNamed(target);
  if (!processor.ok) return () => processor;
  const request = { text, params, target: processor.value, withoutPasses };
  let fused: CompileResult<CompileState> | undefined;
  let typed: CompileResult<CompileState> | undefined;
  return (question) => {
    if (question.kind === 'program') return ofProgram((typed ??= lowerTo(request, 'typed')), question);
    fused ??= lowerTo(request, 'fused');
    return question.kind === 'kernel' ? ofKernel(fused, processor.value, question) : roundingOf(fused, question);
  };
}

function ofKernel(
  lowered: CompileResult<CompileState>,
  target: Target,
  { name, inputs }: Extract<Question, { kind: 'kernel' }>,
): Outputs {
  if (!lowered.ok) return lowered;
  const step = lowered.value.program?.kernels.find(({ fused }) => fused.name === name);
  if (!step) return fail('no-such-kernel', `There is no kernel ${name}.`);
  return evaluatorReference(backend.taskOf(step.fused, target), inputs);
}

function ofProgram(lowered: CompileResult<CompileState>, question: Extract<Question, { kind: 'program' }>): Outputs {
  if (!lowered.ok) return lowered;
  if (!lowered.value.typed) throw new Error('the module is missing');
  const outputs = evaluateMain(lowered.value.typed, question.inputs);
  return outputs.ok ? ok(outputs.value ?? []) : outputs;
}

function roundingOf(
  lowered: CompileResult<CompileState>,
  { inputs }: Extract<Question, { kind: 'rounding' }>,
): Result<Rounding> {
  if (!lowered.ok) return lowered;
  const { simplified } = lowered.value;
  if (!simplified) throw new Error('the module is missing');
  return ok({ scales: errorScales(simplified, inputs), changes: sensitivityOf(simplified, inputs) });
}

function serve({ program }: { readonly program: Program }): void {
  const answer = answering(program);
  parentPort?.on('message', (question: Question) => parentPort?.postMessage(answer(question)));
}

if (!isMainThread && isThreadData(workerData)) serve(workerData);

function isThreadData(data: unknown): data is { readonly program: Program } {
  return typeof data === 'object' && data !== null && 'mark' in data && data.mark === mark;
}
