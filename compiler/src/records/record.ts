/**
 * Tuning records: one JSON object a line. Reading is tolerant: a cut last line, lines of a newer version and foreign lines
 * are reported and left out.
 */
import { counted } from '../base/text.ts';
import type { ScheduleConfig } from '../schedule/task.ts';
import { provenances, units, type Cost, type KernelBytes } from './objective.ts';

export const recordVersion = 1;

/** How a candidate ended. Only `ok` means that its output was compared with the reference and equal. */
export type Verdict =
  'ok' | 'cannot-lower' | 'compile-error' | 'does-not-fit' | 'wrong-answer' | 'timeout' | 'fault' | 'board-lost';

export const failureVerdicts: readonly Verdict[] = [
  'cannot-lower',
  'compile-error',
  'does-not-fit',
  'wrong-answer',
  'timeout',
  'fault',
  'board-lost',
];

export interface TuningRecord {
  readonly version: number;
  readonly task: string;
  readonly template: string;
  readonly config: ScheduleConfig;
  readonly board: string;
  /** First line of the compiler's version. */
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Hertz of the board's timer; null when unknown. */
  readonly clock: number | null;
  /** Null unless the verdict is `ok`. */
  readonly cost: Cost | null;
  /** Cycles by the model of an emulated board, where they were asked for. */
  readonly cycles?: Cost;
  /** What it takes of the flash; absent from records of earlier versions and from failures. */
  readonly bytes?: KernelBytes;
  readonly verdict: Verdict;
  /** Why it failed, in a few words. */
  readonly detail?: string;
  /** Hash of the emitted C and its flags. */
  readonly kernel: string;
  /** Seed of the random inputs. */
  readonly seed: number;
  /** When it was measured, ISO 8601. */
  readonly time: string;
}

/** Something in a records file that was not used, and where. */
export interface RecordNotice {
  /** One-based. */
  readonly line: number;
  readonly message: string;
}

export interface RecordFile {
  readonly records: readonly TuningRecord[];
  /** In the order of lines; lines of one kind are one notice. */
  readonly notices: readonly RecordNotice[];
}

/** Why a line is left out. */
type Fault = 'cut' | 'no-json' | 'foreign' | 'newer';

/** Reads records from text. */
export function parseRecords(text: string): RecordFile {
  const records: TuningRecord[] = [];
  const faults = new Map<Fault, { readonly line: number; count: number }>();
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const read = readLine(line);
    if (typeof read === 'object') {
      records.push(read);
      continue;
    }
    const fault = read === 'no-json' && index === lines.length - 1 ? 'cut' : read;
    const known = faults.get(fault);
    if (known) known.count++;
    else faults.set(fault, { line: index + 1, count: 1 });
  }
  const notices = [...faults].map(([fault, { line, count }]) => ({ line, message: messageOf(fault, count) }));
  return { records, notices: notices.sort((a, b) => a.line - b.line) };
}

function readLine(line: string): TuningRecord | Fault {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch {
    return 'no-json';
  }
  if (isNewer(data)) return 'newer';
  return isRecord(data) ? data : 'foreign';
}

/** One sentence for all lines of a kind: a file of another kind shall not print a page. */
function messageOf(fault: Fault, count: number): string {
  if (fault === 'cut') return 'the last line is cut off and is skipped';
  if (fault === 'newer')
    return `${counted(count, 'record')} of a newer version (from this line on) are kept but not used`;
  const what = fault === 'no-json' ? 'no JSON' : 'no tuning record';
  if (count === 1) return `this line is ${what} and is skipped`;
  return `this line and ${count - 1} more are ${what} and are skipped`;
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function isNewer(data: unknown): boolean {
  return isObject(data) && typeof data['version'] === 'number' && data['version'] > recordVersion;
}

/** Files are edited by hand and merged: whatever a build or a search reads of a record has its type. */
function isRecord(data: unknown): data is TuningRecord {
  if (!isObject(data)) return false;
  const { cost, verdict, config, cycles, bytes } = data;
  const ended = verdict === 'ok' ? isCost(cost) : cost === null && failureVerdicts.includes(verdict as Verdict);
  return (
    data['version'] === recordVersion &&
    ['task', 'template', 'board', 'compiler', 'kernel'].every((field) => typeof data[field] === 'string') &&
    isObject(config) &&
    Object.values(config).every((value) => ['number', 'string', 'boolean'].includes(typeof value)) &&
    ended &&
    (cycles === undefined || isCost(cycles)) &&
    (bytes === undefined || (isObject(bytes) && isCount(bytes['code']) && isCount(bytes['constants'])))
  );
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCost(cost: unknown): boolean {
  return (
    isObject(cost) &&
    isCount(cost['value']) &&
    units.some((unit) => unit === cost['unit']) &&
    provenances.some((provenance) => provenance === cost['provenance'])
  );
}
