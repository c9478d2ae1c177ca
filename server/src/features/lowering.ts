/** The stages of the compiler, for the preview. */
import { resolveSpan, type TextRange } from '../../../compiler/src/base/span.ts';
import { lowerTo } from '../../../compiler/src/pipeline/compile.ts';
import { stageNamed, stages } from '../../../compiler/src/pipeline/stages.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import type { StageInfo } from '../protocol.ts';
import type { Snapshot } from '../snapshot.ts';

/** The stages in order. */
export function stageList(): readonly StageInfo[] {
  return stages.map(({ name, title, summary }) => ({ name, title, summary }));
}

export interface Lowered {
  readonly text: string;
  readonly language: 'relay' | 'c' | 'text';
  /** Which lines of the text came from which places in the source. */
  readonly origins: readonly { readonly line: number; readonly source: TextRange }[];
  /** Why there is no text. */
  readonly failure?: { readonly message: string; readonly remedy?: string };
}

export interface LoweringRequest {
  readonly stage: string;
  /** Compiler target; the emulated Cortex-M4's when absent. */
  readonly target?: string;
  /** The bytes of the parameter file that goes with the program. */
  readonly params?: Uint8Array;
}

/** The document at one stage of compilation. */
export function lowerDocument(snapshot: Snapshot, request: LoweringRequest): Lowered {
  const stage = stageNamed(request.stage);
  if (!stage) return refused(`There is no stage ${request.stage}.`, `Stages: ${stages.map((s) => s.name).join(', ')}.`);
  const target = targetNamed(request.target ?? 'cortex-m4');
  if (!target.ok) return refused(target.error.message, target.error.remedy);
  const { params } = request;
  const lowered = lowerTo(
    { text: snapshot.text, target: target.value, name: nameInC(snapshot.uri), ...(params ? { params } : {}) },
    stage.name,
  );
  if (!lowered.ok) return refused(lowered.error.message, lowered.error.remedy);
  const printed = stage.print(lowered.value);
  const anchors = lowered.value.check?.tree.anchors ?? snapshot.tree.anchors;
  const origins = printed.lines.flatMap((line, index) =>
    line.origin.map((span) => ({ line: index, source: resolveSpan(anchors, span) })),
  );
  return { text: printed.text, language: stage.language, origins };
}

function refused(message: string, remedy: string | undefined): Lowered {
  return { text: '', language: 'text', origins: [], failure: remedy === undefined ? { message } : { message, remedy } };
}

/** The file's name without folder and extension, as a name that C takes. */
function nameInC(uri: string): string {
  const stem = decodeURIComponent(uri.split('/').at(-1) ?? '').replace(/\.[^.]*$/, '');
  const name = stem.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z]/.test(name) ? name : `model_${name}`;
}
