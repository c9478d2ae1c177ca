/** What compiling a document tells beside text. Depends on its job alone, so that another process can do it. */
import { LineIndex, resolveSpan, type AnchorMap } from '../../../compiler/src/base/span.ts';
import type { Origin } from '../../../compiler/src/ir/expr.ts';
import { noticeOf } from '../../../compiler/src/pipeline/board-build.ts';
import type { CompileState } from '../../../compiler/src/pipeline/state.ts';
import type { ArenaBuffer } from '../../../compiler/src/pipeline/arena.ts';
import { passes as allPasses } from '../../../compiler/src/pipeline/simplification.ts';
import { reportOf } from '../../../compiler/src/pipeline/report.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import { defaultTarget, lowerJob, recordsOf } from '../features/lowering.ts';
import {
  nameInC,
  type AliveTensor,
  type BuildResult,
  type BuildSettings,
  type LayerInfo,
  type PassInfo,
  type WireRange,
} from '../protocol.ts';
import { passStage } from './passStages.ts';

/** One document to compile, as plain data. */
export interface BuildJob extends BuildSettings {
  readonly kind: 'build';
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  /** As in `LoweringJob`. */
  readonly ownLines?: number;
}

type Locate = (origin: Origin) => readonly WireRange[];

/** Compiles a document to C and gathers passes, layers and memory; takes from milliseconds to minutes. */
export function buildDocument(job: BuildJob): BuildResult {
  const target = targetNamed(job.target ?? defaultTarget);
  if (!target.ok) return refusedBuild(job, target.error.message, target.error.remedy);
  const records = recordsOf(job);
  const lowered = lowerJob(job, target.value, 'c', records);
  if (!lowered.ok) {
    // What cannot become C may well be simplified: its passes are shown all the same.
    const simplified = lowerJob(job, target.value, 'simplified', records);
    const refused = refusedBuild(job, lowered.error.message, lowered.error.remedy);
    if (!simplified.ok) return refused;
    return { ...refused, passes: passList(simplified.value, locatorOf(job, simplified.value)) };
  }
  const { program, kernels, arena, emitted } = lowered.value;
  if (!program || !kernels || !arena || !emitted) throw new Error('a stage left its part out');
  const locate = locatorOf(job, lowered.value);
  const report = reportOf(nameInC(job.uri), target.value.name, program, kernels, arena, emitted);
  const lines = job.text.split(/\r\n|\r|\n/);
  const tensor = (b: ArenaBuffer): AliveTensor => {
    const source = locate(b.origin);
    return { name: nameInSource(b, source, lines), kind: b.kind, bytes: b.bytes, source };
  };
  const layers = report.layers.map((layer, k): LayerInfo => {
    const alive = arena.buffers.filter((b) => b.first <= k && k <= b.last);
    return {
      name: layer.name,
      description: layer.description,
      task: layer.task,
      tuned: layer.choice === 'tuned',
      macs: layer.macs,
      constantBytes: layer.constantBytes,
      aliveBytes: covered(alive),
      alive: alive.map(tensor).sort((a, b) => b.bytes - a.bytes),
      source: locate(layer.origin),
    };
  });
  const notice = noticeOf(records, kernels, { target: target.value });
  const { peak } = arena.plan;
  const peakTensors = peak.buffers.flatMap((i) => (arena.buffers[i] ? [tensor(arena.buffers[i])] : []));
  return {
    version: job.version,
    target: target.value.name,
    passes: passList(lowered.value, locate),
    layers,
    barriers: program.barriers.map(({ message, producer, consumer, origin }) => {
      return { message, producer, consumer, source: locate(origin) };
    }),
    buffers: arena.buffers.map((b) => ({
      ...tensor(b),
      offset: b.offset,
      first: b.first,
      last: Math.min(b.last, layers.length - 1),
    })),
    macs: report.macs,
    arenaBytes: report.arena.bytes,
    constantBytes: report.constantBytes,
    peakLayer: Math.min(peak.step, Math.max(0, layers.length - 1)),
    peak: peakTensors.sort((a, b) => b.bytes - a.bytes),
    ...(notice === undefined ? {} : { notice }),
  };
}

/** A tensor between kernels by the binding that the source gives it: `%2` says more than a name of the compiler's. */
function nameInSource(b: ArenaBuffer, source: readonly WireRange[], lines: readonly string[]): string {
  if (b.kind === 'scratch') return b.name;
  if (b.kind === 'input') return `%${b.name}`;
  const last = source.reduce<WireRange | undefined>(
    (best, range) => (best && best.end.line >= range.end.line ? best : range),
    undefined,
  );
  const line = last && lines[last.start.line];
  if (!last || line === undefined || b.kind === 'output') return b.name;
  const binding = /^\s*(?:let\s+)?(%[\w.]+)\s*(?:[:=]|$)/.exec(line)?.[1];
  if (binding !== undefined) return binding;
  const text = line.slice(last.start.character).trim().replace(/;$/, '');
  return text.length > 24 ? `${text.slice(0, 23)}…` : text;
}

/** The answer when the document does not compile. */
export function refusedBuild(job: Pick<BuildJob, 'version' | 'target'>, message: string, remedy?: string): BuildResult {
  return {
    version: job.version,
    target: job.target ?? defaultTarget,
    passes: [],
    layers: [],
    barriers: [],
    buffers: [],
    macs: 0,
    arenaBytes: 0,
    constantBytes: 0,
    peakLayer: 0,
    peak: [],
    failure: remedy === undefined ? { message } : { message, remedy },
  };
}

/** Bytes that the buffers cover together: tensors that share memory are counted once. */
export function covered(buffers: readonly { readonly offset: number; readonly bytes: number }[]): number {
  let total = 0;
  let end = 0;
  for (const b of [...buffers].sort((a, c) => a.offset - c.offset)) {
    total += Math.max(0, b.offset + b.bytes - Math.max(end, b.offset));
    end = Math.max(end, b.offset + b.bytes);
  }
  return total;
}

function passList(state: CompileState, locate: Locate): readonly PassInfo[] {
  const summaries = new Map(allPasses.map((pass) => [pass.name, pass.summary]));
  return (state.passes ?? []).map((run, i) => ({
    name: run.name,
    summary: summaries.get(run.name) ?? '',
    changes: Object.entries(run.statistics).flatMap(([label, count]) => (count > 0 ? [{ label, count }] : [])),
    notes: run.notes.map(({ message, origin }) => ({ message, source: locate(origin) })),
    before: passStage(i),
    after: passStage(i + 1),
  }));
}

function locatorOf({ text, ownLines }: BuildJob, { check }: CompileState): Locate {
  const locate = locator(text, check?.tree.anchors ?? new Map());
  return (origin) => locate(origin).filter((range) => range.start.line < (ownLines ?? Infinity));
}

/** Source ranges of origins, each once; spans of other files are left out. */
function locator(text: string, anchors: AnchorMap): Locate {
  const lines = new LineIndex(text);
  return (origin) => {
    const seen = new Set<string>();
    return origin.flatMap((span) => {
      if (!anchors.has(span.anchor)) return [];
      const { start, end } = resolveSpan(anchors, span);
      const key = `${start} ${end}`;
      if (seen.has(key)) return [];
      seen.add(key);
      return [{ start: lines.position(start), end: lines.position(end) }];
    });
  };
}
