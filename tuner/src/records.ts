/** The file of tuning records: appended whole and synced, never rewritten; what cannot be read is left in it. */
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import {
  parseRecords,
  type RecordFile,
  type RecordNotice,
  type TuningRecord,
} from '../../compiler/src/records/record.ts';

/** An open records file; several processes may append to the same one. */
export class RecordStore {
  readonly path: string;
  readonly notices: readonly RecordNotice[];
  private readonly descriptor: number;
  private readonly loaded: TuningRecord[];
  private readonly lost: TuningRecord[] = [];

  private constructor(path: string, descriptor: number, file: RecordFile) {
    this.path = path;
    this.descriptor = descriptor;
    this.loaded = [...file.records];
    this.notices = file.notices;
  }

  /** Opens or creates a file for appending. Fails with `cannot-write` when the place is read-only. */
  static open(path: string): Result<RecordStore> {
    try {
      const descriptor = openSync(path, 'a+');
      const file = parseRecords(readFileSync(path, 'utf8'));
      return ok(new RecordStore(path, descriptor, file));
    } catch (error) {
      return fail(
        'cannot-write',
        `The records file ${path} cannot be opened: ${reasonOf(error)}.`,
        'Choose another place for it.',
      );
    }
  }

  /** Records read at opening and appended since, those included that could not be written. */
  get records(): readonly TuningRecord[] {
    return this.loaded;
  }

  /** Appended since the opening, but not in the file, because it could not be written. */
  get unwritten(): readonly TuningRecord[] {
    return this.lost;
  }

  /** Appends records in one write each call and syncs, so that a kill leaves whole lines or one cut last line. */
  append(records: readonly TuningRecord[]): Result<void> {
    if (records.length === 0) return ok(undefined);
    this.loaded.push(...records);
    try {
      const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
      // A line that an earlier kill cut short is ended first, so that it does not swallow this one.
      this.write(Buffer.from(this.endsInNewline() ? lines : `\n${lines}`));
      fsyncSync(this.descriptor);
      return ok(undefined);
    } catch (error) {
      this.lost.push(...records);
      return fail(
        'cannot-write',
        `The records file ${this.path} cannot be written: ${reasonOf(error)}.`,
        'Free some space, or choose another place for it.',
      );
    }
  }

  /** A disk that fills up takes a part of what is written without a word; the rest of it fails. */
  private write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.descriptor, bytes, at);
  }

  private endsInNewline(): boolean {
    const { size } = fstatSync(this.descriptor);
    if (size === 0) return true;
    const last = Buffer.alloc(1);
    readSync(this.descriptor, last, 0, 1, size - 1);
    return last[0] === 10;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

const noSpace = 'there is no space left for it';
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: noSpace,
  EDQUOT: noSpace,
  EFBIG: noSpace,
  EISDIR: 'it is a folder',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'nothing can be written on that disk',
};

/** Why the system refused, in words. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
