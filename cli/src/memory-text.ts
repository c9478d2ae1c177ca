/** What a build says about its arena: how large, how near to the least, and what it is made of where it is tightest. */
import type { Failure } from '../../compiler/src/base/result.ts';
import type { PlanProof } from '../../compiler/src/memory/plan.ts';
import type { BuildReport } from '../../compiler/src/pipeline/report.ts';
import { thousands } from './render.ts';

type ArenaReport = BuildReport['arena'];

const proofs: Readonly<Record<PlanProof, string>> = {
  'live-set': 'what lives at one step needs it',
  'all-orders': 'all orders of placing were tried',
  'integer-program': 'by integer programming',
};

/** Tensors that are named in a line; the others are counted. */
const mostNamed = 4;

/** The tensors and scratch that live at the tightest step, largest first. */
export function peakText({ peak }: ArenaReport): string {
  const largest = [...peak.buffers].sort((a, b) => b.bytes - a.bytes);
  const named = largest.slice(0, mostNamed).map((b) => `${b.name} ${thousands(b.bytes)}`);
  const more = largest.length > mostNamed ? ` and ${largest.length - mostNamed} more` : '';
  const shared = largest.reduce((sum, b) => sum + b.bytes, 0) - peak.bytes;
  return `${named.join(', ')}${more}${shared > 0 ? `; ${thousands(shared)} of these bytes serve twice` : ''}`;
}

/** Lines about the arena: its bound and the proof or the gap, then the tightest step. */
export function arenaLines(arena: ArenaReport): readonly string[] {
  const gap = arena.bytes - arena.lowerBound;
  const verdict =
    arena.proof !== undefined && gap === 0
      ? `the least for these kernels in this order: ${proofs[arena.proof]}`
      : `at most ${thousands(gap)} above the least for these kernels in this order, ${thousands(arena.lowerBound)}`;
  return [
    `  arena ${thousands(arena.bytes)} B, ${verdict}`,
    `        tightest at ${arena.peak.kernel}: ${peakText(arena)}`,
  ];
}

/** A failure of linking, with what the arena needs; other failures as they are. */
export function withArena(failure: Failure, arena: ArenaReport): Failure {
  if (failure.code !== 'does-not-fit') return failure;
  const { message, code } = failure;
  return {
    code,
    message: `${message} The arena takes ${thousands(arena.bytes)} bytes; tightest is ${arena.peak.kernel}: ${peakText(arena)}.`,
    remedy:
      `${failure.remedy ?? ''} Schedules with less memory were tried. \`relay memory\` shows what less memory costs and what the least is.`.trim(),
  };
}
