/** What tuning records say to builds: read once a change, and handed back with every request that compiles. */
import { digestRecords } from '../../../compiler/src/records/best.ts';
import { parseRecords } from '../../../compiler/src/records/record.ts';
import type { RecordsParams, RecordsResult } from '../protocol.ts';

/** The records of a file as builds for the board take them. */
export function readRecords({ text, board, compiler, cost }: RecordsParams): RecordsResult {
  const { records, notices } = parseRecords(text);
  const digest = digestRecords(records, { board, compiler, cost });
  const empty = Object.keys(digest.best).length === 0 && digest.unused.length === 0;
  return {
    ...(empty ? {} : { records: JSON.stringify(digest) }),
    notices: notices.map(({ line, message }) => `line ${line}: ${message}`),
  };
}
