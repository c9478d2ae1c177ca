/** The stages of the compiler, for the preview. Depends on the text alone, so that another process can do it. */
import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import { lowerTo, type CompileRequest } from '../../../compiler/src/pipeline/compile.ts';
import { stageNamed, stages } from '../../../compiler/src/pipeline/stages.ts';
import type { ScheduleConfig } from '../../../compiler/src/schedule/task.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import { nameInC, type LowerResult, type StageInfo } from '../protocol.ts';
import { passCount, printAfterPasses } from '../requests/passStages.ts';

/** The stages in order. */
export function stageList(): readonly StageInfo[] {
  return stages.map(({ name, title, summary }) => ({ name, title, summary }));
}

/** One document at one stage, as plain data. */
export interface LoweringJob {
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  readonly stage: string;
  /** The parameter file that goes with the program, in base64. */
  readonly params?: string;
  /** A processor that the compiler knows; the default when it is left out. */
  readonly target?: string;
  /** As in `LowerParams`. */
  readonly configs?: string;
  /** Lines from this one on are other files'; all lines are the document's own when it is left out. */
  readonly ownLines?: number;
}

/** The recorded configurations of a request, as the compiler asks for them. They were written by others: any may be bad. */
export function configsFrom(text: string | undefined): Pick<CompileRequest, 'configFor'> {
  if (text === undefined) return {};
  const known = new Map(Object.entries(JSON.parse(text) as Record<string, ScheduleConfig>));
  return { configFor: (task) => known.get(task.key) };
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
  const params = job.params === undefined ? {} : { params: fromBase64(job.params) };
  const request = {
    text: job.text,
    target: target.value,
    name: nameInC(job.uri),
    ...params,
    ...configsFrom(job.configs),
  };
  const lowered = lowerTo(request, stage.name);
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
