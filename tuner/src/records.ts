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
      const { message } = error as Error;
      return fail(
        'cannot-write',
        `The records file ${path} cannot be opened: ${message}.`,
        'Choose another place for it.',
      );
    }
  }

  /** Records read at opening and appended since. */
  get records(): readonly TuningRecord[] {
    return this.loaded;
  }

  /** Appends records in one write each call and syncs, so that a kill leaves whole lines or one cut last line. */
  append(records: readonly TuningRecord[]): Result<void> {
    if (records.length === 0) return ok(undefined);
    try {
      const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
      // A line that an earlier kill cut short is ended first, so that it does not swallow this one.
      writeSync(this.descriptor, this.endsInNewline() ? lines : `\n${lines}`);
      fsyncSync(this.descriptor);
      this.loaded.push(...records);
      return ok(undefined);
    } catch (error) {
      return fail('cannot-write', `The records file ${this.path} cannot be written: ${(error as Error).message}.`);
    }
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
