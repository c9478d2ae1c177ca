/** Tuning records as the side bar shows them: the best of each task and board. */
import { numberAt, objectAt, parseObject, textAt } from './values.ts';

export interface BestRecord {
  readonly task: string;
  readonly board: string;
  readonly template: string;
  readonly cost: number;
  readonly unit: string;
  readonly provenance: string;
  /** Measurements of this task on this board, failed ones included. */
  readonly tried: number;
}

/** The best measurement of every task on every board, in the order of first appearance; foreign lines are left out. */
export function bestRecords(text: string): readonly BestRecord[] {
  const best = new Map<string, BestRecord>();
  const tried = new Map<string, number>();
  for (const line of text.split('\n')) {
    const record = parseObject(line);
    const [task, board] = [textAt(record, 'task'), textAt(record, 'board')];
    if (task === undefined || board === undefined) continue;
    const key = `${board}\0${task}`;
    tried.set(key, (tried.get(key) ?? 0) + 1);
    const cost = objectAt(record, 'cost');
    const value = numberAt(cost, 'value');
    if (textAt(record, 'verdict') !== 'ok' || value === undefined) continue;
    if ((best.get(key)?.cost ?? Infinity) <= value) continue;
    best.set(key, {
      task,
      board,
      template: textAt(record, 'template') ?? '',
      cost: value,
      unit: textAt(cost, 'unit') ?? '',
      provenance: textAt(cost, 'provenance') ?? '',
      tried: 0,
    });
  }
  return [...best].map(([key, record]) => ({ ...record, tried: tried.get(key) ?? 0 }));
}
