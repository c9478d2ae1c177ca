/** Tuning records for the verbs: where they are, what a build takes of them, and what it says of the others. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { hasCycleModel, type BoardProfile } from '../../boards/src/index.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { noticeOf } from '../../compiler/src/pipeline/board-build.ts';
import type { ScheduledKernel } from '../../compiler/src/pipeline/context.ts';
import { digestRecords, noRecords, type RecordDigest } from '../../compiler/src/records/best.ts';
import type { CostKind } from '../../compiler/src/records/objective.ts';
import { parseRecords } from '../../compiler/src/records/record.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { fileFailure, readBytes, type CommandIO } from './io.ts';
import type { ParsedArguments } from './verb.ts';

/** The default place of tuning records: `.relay/records.jsonl` in the current folder. */
export function recordsPath(args: ParsedArguments): string {
  return args.text('records') ?? path.join('.relay', 'records.jsonl');
}

/**
 * What the records of a board and compiler say; without a compiler's name, those of the one that measured last. Nothing
 * when there is no file. Notices (cut lines, newer versions) go to stderr.
 */
export function readRecords(
  args: ParsedArguments,
  profile: BoardProfile,
  compiler: string | undefined,
  io: CommandIO,
): Result<RecordDigest> {
  const cost = costKindOf(args, profile);
  if (!cost.ok) return cost;
  const file = recordsPath(args);
  if (!existsSync(file)) {
    // A file that was named but is not there is a mistake; the default one may be absent.
    return args.text('records') === undefined
      ? ok({ ...noRecords, board: profile.name })
      : fileFailure(file, Object.assign(new Error(), { code: 'ENOENT' }), 'read');
  }
  const bytes = readBytes(file);
  if (!bytes.ok) return bytes;
  const parsed = parseRecords(new TextDecoder().decode(bytes.value));
  for (const notice of parsed.notices) io.err(`relay: ${file}:${notice.line}: ${notice.message}`);
  return ok(digestRecords(parsed.records, { board: profile.name, compiler, cost: cost.value }));
}

/** The cost that records are compared by: what the board's timer counts, or modelled cycles of an emulated board. */
export function costKindOf(args: ParsedArguments, profile: BoardProfile): Result<CostKind> {
  const unit = args.text('cost');
  if (unit === undefined || unit === profile.timer.unit) return ok('timer');
  if (unit === 'cycles' && hasCycleModel(profile)) return ok('cycles');
  const units = [profile.timer.unit, ...(hasCycleModel(profile) ? ['cycles'] : [])].map((u) => `\`${u}\``);
  return fail('usage', `The board ${profile.name} has no cost \`${unit}\`.`, `It has ${units.join(' and ')}.`);
}

/** Says on standard error which records a build did not use, where that is news; returns the sentence. */
export function noteUnused(
  args: ParsedArguments,
  records: RecordDigest,
  kernels: readonly ScheduledKernel[] | undefined,
  profile: BoardProfile,
  io: CommandIO,
  remedy?: string,
): string | undefined {
  const target = targetNamed(profile.target);
  const notice = target.ok && kernels ? noticeOf(records, kernels, { target: target.value }, remedy) : undefined;
  if (notice !== undefined) io.err(`relay: ${recordsPath(args)}: ${notice}`);
  return notice;
}
