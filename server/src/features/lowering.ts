/** The stages of the compiler, for the preview. */
import type { LowerResult, StageInfo } from '../protocol.ts';
import type { CheckedSnapshot } from '../snapshot.ts';

export function stageList(): readonly StageInfo[] {
  return [];
}

export function lowerDocument(snapshot: CheckedSnapshot | undefined, stage: string): LowerResult {
  const version = snapshot?.version ?? 0;
  const failure = { message: `There is no stage ${stage}.` };
  return { version, text: '', language: 'plaintext', origins: [], failure };
}
