/** The engine's progress lines: one JSON object a line on its standard error. */
import { numberAt, objectAt, parseObject, textAt } from './values.ts';

export interface Progress {
  readonly event: 'trial' | 'phase' | 'notice';
  readonly trial: number | undefined;
  readonly trials: number | undefined;
  readonly task: string | undefined;
  readonly best: { readonly value: number; readonly unit: string } | undefined;
  readonly secondsLeft: number | undefined;
  readonly message: string | undefined;
}

/** The progress that a line tells; undefined for any other text. */
export function parseProgress(line: string): Progress | undefined {
  const object = parseObject(line);
  const event = textAt(object, 'event');
  if (event !== 'trial' && event !== 'phase' && event !== 'notice') return undefined;
  const best = objectAt(object, 'best');
  const value = numberAt(best, 'value');
  return {
    event,
    trial: numberAt(object, 'trial'),
    trials: numberAt(object, 'trials'),
    task: textAt(object, 'task'),
    best: value === undefined ? undefined : { value, unit: textAt(best, 'unit') ?? '' },
    secondsLeft: numberAt(object, 'secondsLeft'),
    message: textAt(object, 'message'),
  };
}

/** One line for the progress notification: `12 of 64 trials · best 5.83 M instructions · 40 s left`. */
export function progressText(progress: Progress): string {
  if (progress.event !== 'trial') return progress.message ?? '';
  const parts: string[] = [];
  if (progress.trial !== undefined) {
    const of = progress.trials === undefined ? '' : ` of ${progress.trials}`;
    parts.push(`${progress.trial}${of} trials`);
  }
  if (progress.best) parts.push(`best ${short(progress.best.value)} ${progress.best.unit}`.trimEnd());
  if (progress.secondsLeft !== undefined) parts.push(`${duration(progress.secondsLeft)} left`);
  return parts.length > 0 ? parts.join(' · ') : (progress.message ?? '');
}

/** Percent since the last report, for a bar that wants increments; undefined when the number of trials is unknown. */
export function progressIncrement(progress: Progress, lastTrial: number): number | undefined {
  const { event, trial, trials } = progress;
  if (event !== 'trial' || trial === undefined || trials === undefined || trials <= 0) return undefined;
  return Math.max(0, ((trial - lastTrial) / trials) * 100);
}

/** `5.83 M`, `412 k`, `918`. */
export function short(value: number): string {
  const [scale, unit] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e4 ? [1e3, ' k'] : [1, ''];
  const scaled = value / scale;
  const digits = unit === '' || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)}${unit}`;
}

/** `40 s`, `2 min 5 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Splits a stream of chunks into lines. */
export class LineSplitter {
  private rest = '';
  private readonly onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine;
  }

  push(chunk: string): void {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  /** Gives out what has no line end yet. */
  end(): void {
    if (this.rest !== '') this.onLine(this.rest);
    this.rest = '';
  }
}
