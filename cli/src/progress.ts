/** Progress on stderr: a line that rewrites itself in a terminal, JSON lines for programs, or nothing. */
import type { CommandIO } from './io.ts';
import type { ParsedArguments } from './verb.ts';

export interface ProgressEvent {
  readonly event: 'trial' | 'phase' | 'notice';
  readonly message?: string;
  readonly trial?: number;
  readonly trials?: number;
  readonly task?: string;
  /** Cost of the whole program with the best kernels so far. */
  readonly best?: { readonly value: number; readonly unit: string };
  readonly secondsLeft?: number;
}

export interface Progress {
  show(event: ProgressEvent): void;
  /** Ends a line that is still being rewritten. */
  end(): void;
}

function text(event: ProgressEvent): string {
  if (event.event !== 'trial') return event.message ?? '';
  const parts = [`trial ${event.trial ?? '?'}/${event.trials ?? '?'}`];
  if (event.best) parts.push(`best ${(event.best.value / 1e6).toFixed(3)} M ${event.best.unit}`);
  if (event.secondsLeft !== undefined) parts.push(`${Math.ceil(event.secondsLeft)} s left`);
  if (event.task) parts.push(event.task);
  return parts.join('  ');
}

/** The progress that `--progress` asks for. */
export function createProgress(args: ParsedArguments, io: CommandIO): Progress {
  const form = args.text('progress') ?? 'text';
  if (form === 'none') return { show: () => undefined, end: () => undefined };
  if (form === 'json') return { show: (event) => io.err(JSON.stringify(event)), end: () => undefined };
  const terminal = process.stderr.isTTY;
  let open = false;
  let lastPrinted = 0;
  return {
    show(event) {
      const line = text(event);
      if (terminal && event.event === 'trial') {
        const width = Math.max(20, (process.stderr.columns || 80) - 1);
        process.stderr.write(`\r\u001b[K${line.slice(0, width)}`);
        open = true;
        return;
      }
      // In a log, one trial in sixteen is enough to see that it moves.
      if (event.event === 'trial' && (event.trial ?? 0) - lastPrinted < 16 && event.trial !== event.trials) return;
      if (event.event === 'trial') lastPrinted = event.trial ?? 0;
      this.end();
      io.err(line);
    },
    end() {
      if (open) process.stderr.write('\n');
      open = false;
    },
  };
}
