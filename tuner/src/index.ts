/** The autotuner: sessions, strategies, records. */
export { RecordStore } from './records.ts';
export { evaluatorReference, type Reference } from './reference.ts';
export { findStrategy, strategies } from './strategies/index.ts';
export {
  tune,
  type TaskSummary,
  type TuneOptions,
  type TuneProgress,
  type TuneSummary,
  type WeightedTask,
} from './tune.ts';
