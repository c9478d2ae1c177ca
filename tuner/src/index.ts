/** The autotuner: sessions, strategies, records. */
export {
  bestConfigs,
  parseRecords,
  RecordStore,
  type BestConfig,
  type RecordFilter,
  type TuningRecord,
  type Verdict,
} from './records.ts';
export { type Cost, type CostKind, type Objective } from './objective.ts';
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
