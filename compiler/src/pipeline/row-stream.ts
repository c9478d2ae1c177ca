/**
 * Kernels that run in turns, some rows each, so that what passes between them is a window of rows in place of a whole
 * tensor. Which rows a turn computes follows from the access windows of the consumers; whether an output may overwrite an
 * input follows from the order of the calls that are emitted.
 */
import { storageOf } from '../passes/program.ts';
import type { FusedProgram, KernelStep, ProgramValue } from '../passes/program.ts';
import type { RowAccess, RowInput } from '../schedule/task.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { elementCount } from '../tensor/ndarray.ts';

/** One call of a kernel of a stream. */
export interface StreamCall {
  readonly kernel: number;
  /** Rows this call computes, and the first of them. */
  readonly first: number;
  readonly rows: number;
  /** Rows of padding above the main input's buffer, and rows of that input from the buffer's start on. */
  readonly top: number;
  readonly height: number;
  /** Bytes from the start of each argument's memory, and of the result's. */
  readonly inputs: readonly number[];
  readonly output: number;
  /** Bytes of the result that this call writes. */
  readonly outputBytes: number;
}

/** Rows that move towards the start of their window before a turn: bytes from the window's start. */
export interface WindowMove {
  readonly value: ProgramValue;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export interface StreamTurn {
  readonly moves: readonly WindowMove[];
  readonly calls: readonly StreamCall[];
}

/** An output that may overwrite an input of the whole stream; see `PlanOverlap`. */
export interface StreamOverlap {
  readonly input: ProgramValue;
  readonly output: ProgramValue;
  readonly leadBytes: number;
  readonly exact: boolean;
}

export interface RowStream {
  /** The kernels, by their places in the program. */
  readonly first: number;
  readonly last: number;
  /** Rows that the last kernel computes in a turn. */
  readonly turnRows: number;
  readonly turns: readonly StreamTurn[];
  /** Bytes of the window that takes the place of a tensor inside. */
  readonly windows: ReadonlyMap<ProgramValue, number>;
  /** Most rows of a call of each kernel, from the first to the last. */
  readonly most: readonly number[];
  readonly overlaps: readonly StreamOverlap[];
  /** Bytes that are moved or read again because of the turns. */
  readonly extraBytes: number;
}

interface Member {
  readonly index: number;
  readonly step: KernelStep;
  readonly access: RowAccess;
  readonly result: ProgramValue;
}

interface Use {
  readonly member: Member;
  readonly input: RowInput;
}

/**
 * The stream of kernels `first` … `last`; undefined when one of them cannot run by rows, when they do not form one chain
 * that ends in the last, or when nothing inside would become smaller.
 */
export function rowStream(
  program: FusedProgram,
  accessOf: (kernel: number) => RowAccess | undefined,
  first: number,
  last: number,
  turnRows: number,
): RowStream | undefined {
  const members = membersOf(program, accessOf, first, last);
  const end = members?.at(-1);
  if (members === undefined || end === undefined) return undefined;
  const outside = storagesOutside(program, first, last);
  const uses = new Map<ProgramValue, Use[]>();
  for (const member of members) {
    for (const [i, arg] of member.step.args.entries()) {
      const input = member.access.inputs[i];
      if (input === undefined) return undefined;
      const storage = storageOf(arg);
      uses.set(storage, [...(uses.get(storage) ?? []), { member, input }]);
    }
  }
  for (const { access, result } of members.slice(0, -1)) {
    const readers = uses.get(result) ?? [];
    if (readers.length === 0) return undefined;
    if (readers.some(({ input }) => input.rowBytes !== access.rowBytes || input.rows !== access.rows)) return undefined;
  }
  const done = rowsDone(members, uses, outside, turnRows);
  const windows = members.slice(0, -1).flatMap((m) => (outside.has(m.result) ? [] : [windowOf(m, uses, done)]));
  if (!windows.some((w) => w.bytes < bytesOf(w.member.result))) return undefined;
  const turns = turnsOf(members, done, windows);
  if (turns === undefined) return undefined;
  const inside = new Set(windows.map((w) => w.member.result));
  return {
    first,
    last,
    turnRows,
    turns,
    windows: new Map(windows.map((w) => [w.member.result, w.bytes])),
    most: members.map((m) => Math.max(...differences(done.get(m) ?? []))),
    overlaps: overlapsOf(members, turns, inside),
    extraBytes: extraBytes(members, turns),
  };
}

function bytesOf(value: ProgramValue): number {
  return elementCount(value.shape) * elementBytes(value.dtype);
}

function membersOf(
  program: FusedProgram,
  accessOf: (kernel: number) => RowAccess | undefined,
  first: number,
  last: number,
): readonly Member[] | undefined {
  const members: Member[] = [];
  for (let index = first; index <= last; index++) {
    const step = program.kernels[index];
    const access = accessOf(index);
    const [result] = step?.results ?? [];
    if (step === undefined || access === undefined || result === undefined || step.results.length !== 1)
      return undefined;
    const fits = (value: ProgramValue, rows: { readonly rows: number; readonly rowBytes: number }): boolean =>
      bytesOf(value) === rows.rows * rows.rowBytes;
    if (!fits(result, access)) return undefined;
    if (!step.args.every((arg, i) => access.inputs[i] !== undefined && fits(arg, access.inputs[i]))) return undefined;
    members.push({ index, step, access, result: storageOf(result) });
  }
  return members;
}

/** What is read or written by other kernels than these, or is given to the caller. */
function storagesOutside(program: FusedProgram, first: number, last: number): ReadonlySet<ProgramValue> {
  const outside = new Set<ProgramValue>([...program.inputs, ...program.outputs].map(storageOf));
  program.kernels.forEach(({ args, results }, k) => {
    if (k < first || k > last) for (const value of [...args, ...results]) outside.add(storageOf(value));
  });
  return outside;
}

/** Rows of each kernel that are there after each turn: as many as their readers' rows of that turn look at. */
function rowsDone(
  members: readonly Member[],
  uses: ReadonlyMap<ProgramValue, readonly Use[]>,
  outside: ReadonlySet<ProgramValue>,
  turnRows: number,
): ReadonlyMap<Member, readonly number[]> {
  const done = new Map<Member, readonly number[]>();
  const end = members.at(-1);
  const turns = Math.ceil((end?.access.rows ?? 0) / turnRows);
  for (const member of [...members].reverse()) {
    const { rows } = member.access;
    const counts = Array.from({ length: turns }, (_, t) => {
      if (member === end) return Math.min(rows, (t + 1) * turnRows);
      if (t === turns - 1 && outside.has(member.result)) return rows;
      const needed = (uses.get(member.result) ?? []).map(({ member: reader, input }) => {
        const until = done.get(reader)?.[t] ?? 0;
        return until === 0 ? 0 : (until - 1) * input.stride - input.top + input.window;
      });
      return Math.max(0, Math.min(rows, Math.max(...needed)));
    });
    done.set(member, counts);
  }
  return done;
}

function differences(counts: readonly number[]): number[] {
  return counts.map((n, t) => n - (counts[t - 1] ?? 0));
}

interface Window {
  readonly member: Member;
  /** The row at the window's start, turn by turn; the newest row is always the window's last. */
  readonly base: readonly number[];
  /** The first row that a turn needs. */
  readonly needed: readonly number[];
  readonly bytes: number;
}

function windowOf(
  member: Member,
  uses: ReadonlyMap<ProgramValue, readonly Use[]>,
  done: ReadonlyMap<Member, readonly number[]>,
): Window {
  const counts = done.get(member) ?? [];
  const needed = counts.map((_, t) => {
    const before = counts[t - 1] ?? 0;
    const wanted = (uses.get(member.result) ?? []).map(
      ({ member: reader, input }) => (done.get(reader)?.[t - 1] ?? 0) * input.stride - input.top,
    );
    return Math.max(0, Math.min(before, ...wanted));
  });
  const rows = Math.max(...counts.map((n, t) => n - (needed[t] ?? 0)));
  return { member, base: counts.map((n) => n - rows), needed, bytes: rows * member.access.rowBytes };
}

function turnsOf(
  members: readonly Member[],
  done: ReadonlyMap<Member, readonly number[]>,
  windows: readonly Window[],
): readonly StreamTurn[] | undefined {
  const turns: StreamTurn[] = [];
  const windowFor = new Map(windows.map((w) => [w.member.result, w]));
  const end = members.at(-1);
  const count = end === undefined ? 0 : (done.get(end)?.length ?? 0);
  for (let t = 0; t < count; t++) {
    const moves: WindowMove[] = [];
    for (const { member, base, needed } of windows) {
      const [before = 0, now = 0, first = 0] = [base[t - 1], base[t], needed[t]];
      const kept = (done.get(member)?.[t - 1] ?? 0) - first;
      const { rowBytes } = member.access;
      if (t === 0 || now === before || kept <= 0) continue;
      const [from, to] = [(first - before) * rowBytes, (first - now) * rowBytes];
      moves.push({ value: member.result, from, to, bytes: kept * rowBytes });
    }
    const calls: StreamCall[] = [];
    for (const member of members) {
      const [before = 0, now = 0] = [done.get(member)?.[t - 1], done.get(member)?.[t]];
      if (now === before) continue;
      const { access } = member;
      const starts = access.inputs.map((input) => {
        const wanted = before * input.stride - input.top;
        return { wanted, row: Math.min(Math.max(0, wanted), input.rows - 1) };
      });
      const inputs = starts.map(({ row }, i) => {
        const arg = member.step.args[i];
        const base = (arg === undefined ? undefined : windowFor.get(storageOf(arg)))?.base[t] ?? 0;
        return (row - base) * (access.inputs[i]?.rowBytes ?? 0);
      });
      if (inputs.some((offset) => offset < 0)) return undefined;
      const main = starts[access.main] ?? { wanted: 0, row: 0 };
      calls.push({
        kernel: member.index,
        first: before,
        rows: now - before,
        top: main.row - main.wanted,
        height: (access.inputs[access.main]?.rows ?? 0) - main.row,
        inputs,
        output: (before - (windowFor.get(member.result)?.base[t] ?? 0)) * access.rowBytes,
        outputBytes: (now - before) * access.rowBytes,
      });
    }
    turns.push({ moves, calls });
  }
  return turns;
}

/** Whether an input is read just where the output's row is written: the other operand of a sum. */
function isRowByRow(input: RowInput, access: RowAccess): boolean {
  return input.stride === 1 && input.top === 0 && input.window === 1 && input.rowBytes === access.rowBytes;
}

/**
 * Which results that leave the stream may lie over which inputs: no byte is written before the last call that reads its
 * place. A call's own reads count, but for operands that are read just before their place is written (`exact`).
 */
function overlapsOf(
  members: readonly Member[],
  turns: readonly StreamTurn[],
  inside: ReadonlySet<ProgramValue>,
): readonly StreamOverlap[] {
  const byIndex = new Map(members.map((m) => [m.index, m]));
  const calls = turns.flatMap((t) => t.calls);
  const results = members.map((m) => m.result).filter((r) => !inside.has(r));
  const written = new Set(members.map((m) => m.result));
  const given = new Set(members.flatMap((m) => m.step.args.map(storageOf)).filter((v) => !written.has(v)));
  const found: StreamOverlap[] = [];
  for (const output of results) {
    for (const input of given) {
      let lead = -Infinity;
      let read = Infinity;
      let exact = false;
      for (const call of [...calls].reverse()) {
        const member = byIndex.get(call.kernel);
        if (member === undefined) continue;
        const own = member.result === output;
        let later = read;
        member.step.args.forEach((arg, i) => {
          if (storageOf(arg) !== input) return;
          const at = call.inputs[i] ?? 0;
          const access = member.access.inputs[i];
          later = Math.min(later, at);
          const inPlace = own && i !== member.access.main && access !== undefined && isRowByRow(access, member.access);
          if (inPlace) exact = true;
          else read = Math.min(read, at);
        });
        if (own) lead = Math.max(lead, call.output + call.outputBytes - read);
        read = Math.min(read, later);
      }
      if (lead === -Infinity || (exact && lead > 0)) continue;
      found.push({ input, output, leadBytes: exact ? 0 : lead, exact });
    }
  }
  return found;
}

/** What the turns cost beside the work itself: moved rows, and rows that a call reads and the one before had read. */
function extraBytes(members: readonly Member[], turns: readonly StreamTurn[]): number {
  const byIndex = new Map(members.map((m) => [m.index, m]));
  let bytes = 0;
  for (const [t, { moves, calls }] of turns.entries()) {
    for (const move of moves) bytes += move.bytes;
    for (const call of calls) {
      const access = byIndex.get(call.kernel)?.access;
      const input = access?.inputs[access.main];
      if (input === undefined || t === 0) continue;
      bytes += Math.max(0, input.window - input.stride) * input.rowBytes;
    }
  }
  return bytes;
}
