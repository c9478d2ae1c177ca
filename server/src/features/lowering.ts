/** The stages of the compiler, for the preview. Depends on the text alone, so that another process can do it. */
import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import type { CompileResult } from '../../../compiler/src/passes/fuse.ts';
import { codePriceOf } from '../../../compiler/src/pipeline/light-kernels.ts';
import { lowerForBoard, type ProgramRequest } from '../../../compiler/src/pipeline/board-build.ts';
import { stageNamed, stages, type StageName } from '../../../compiler/src/pipeline/stages.ts';
import type { CompileState } from '../../../compiler/src/pipeline/state.ts';
import { noRecords, type RecordDigest } from '../../../compiler/src/records/best.ts';
import type { Target } from '../../../compiler/src/targets/target.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import { nameInC, type BuildSettings, type LowerResult, type StageInfo } from '../protocol.ts';
import { passCount, printAfterPasses } from '../requests/passStages.ts';

/** The stages in order. */
export function stageList(): readonly StageInfo[] {
  return stages.map(({ name, title, summary }) => ({ name, title, summary }));
}

/** One document at one stage, as plain data. */
export interface LoweringJob extends BuildSettings {
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  readonly stage: string;
  /** Lines from this one on are other files'; all lines are the document's own when it is left out. */
  readonly ownLines?: number;
}

/** What records say, as `relay/records` answered it. */
export function recordsOf({ records }: BuildSettings): RecordDigest {
  return records === undefined ? noRecords : (JSON.parse(records) as RecordDigest);
}

/** Runs a job's program up to a stage, as a build with its settings does. */
export function lowerJob(
  job: BuildSettings & { readonly text: string; readonly uri: string },
  target: Target,
  last: StageName,
  records = recordsOf(job),
): CompileResult<CompileState> {
  const { arena, size, codePrice } = job.options ?? {};
  const program: ProgramRequest = {
    text: job.text,
    target,
    name: nameInC(job.uri),
    ...(job.params === undefined ? {} : { params: fromBase64(job.params) }),
    ...(arena === undefined ? {} : { arenaBudget: arena }),
    ...(codePrice === undefined ? {} : { codePrice: codePriceOf(codePrice) }),
    ...(size === true ? { preset: 'size' } : {}),
  };
  return lowerForBoard(program, { records, memory: job.memory }, last);
}

/** The emulated Cortex-M4's, when no board is chosen. */
export const defaultTarget = 'cortex-m4';

/** Lowers a document to a stage; takes from milliseconds to minutes. */
export function lowerDocument(job: LoweringJob): LowerResult {
  const after = passCount(job.stage);
  const stage = stageNamed(after === undefined ? job.stage : 'typed');
  if (!stage) {
    const names = stages.map((s) => s.name).join(', ');
    return refusedLowering(job.version, `There is no stage ${job.stage}.`, `Stages: ${names}.`);
  }
  const target = targetNamed(job.target ?? defaultTarget);
  if (!target.ok) return refusedLowering(job.version, target.error.message, target.error.remedy);
  const lowered = lowerJob(job, target.value, stage.name);
  if (!lowered.ok) return refusedLowering(job.version, lowered.error.message, lowered.error.remedy);
  const { typed } = lowered.value;
  const printed = after !== undefined && typed ? printAfterPasses(typed, after) : stage.print(lowered.value);
  const anchors = lowered.value.check?.tree.anchors ?? new Map();
  const lines = new LineIndex(job.text);
  const origins = printed.lines.flatMap((line, index) =>
    line.origin.flatMap((span) => {
      const { start, end } = resolveSpan(anchors, span);
      const source = { start: lines.position(start), end: lines.position(end) };
      return source.start.line < (job.ownLines ?? Infinity) ? [{ line: index, source }] : [];
    }),
  );
  return { version: job.version, text: printed.text, language: stage.language, origins };
}

/** The answer when there is no text to show. */
export function refusedLowering(version: number, message: string, remedy?: string): LowerResult {
  const failure = remedy === undefined ? { message } : { message, remedy };
  return { version, text: '', language: 'text', origins: [], failure };
}

/** Bytes from base64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
