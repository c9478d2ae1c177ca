/** Lines of JSON on standard input, one answer a line: the batch form of `check` and `run`. */
import { createInterface } from 'node:readline';
import type { Failure } from '../../compiler/src/base/result.ts';
import type { CommandIO } from './io.ts';

/**
 * Calls `answer` for each line's object and prints what it returns. A line that is no JSON object is answered with
 * `{ "id": null, "error": … }`; later lines are still answered.
 */
export async function answerLines(
  io: CommandIO,
  answer: (request: Readonly<Record<string, unknown>>) => unknown,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (io.token.isCancellationRequested) return;
    if (line.trim() === '') continue;
    let request: unknown;
    try {
      request = JSON.parse(line);
    } catch {
      io.out(JSON.stringify({ id: null, error: 'not a line of JSON' }));
      continue;
    }
    if (typeof request !== 'object' || request === null || Array.isArray(request)) {
      io.out(JSON.stringify({ id: null, error: 'not a JSON object' }));
      continue;
    }
    io.out(JSON.stringify(answer(request as Record<string, unknown>)));
  }
}

/** Wrong usage of a batch form: it reads standard input alone. */
export function noFilesWithLines(verb: string): Failure {
  const message = '--jsonl reads standard input; it takes no file.';
  return { code: 'usage', message, remedy: `relay ${verb} --jsonl < requests.jsonl` };
}
