/** Assembly as the engine gives it, read as the stage of a lowering. */
import type { LineOrigin, LowerResult, WirePosition } from '../../../server/src/protocol.ts';
import type { EngineOutcome } from './process.ts';
import { isObject, listAt, numberAt, objectAt, textAt, type JsonObject } from './values.ts';

/** What `relay lower --stage asm --json` said about a version of a document. */
export function assemblyResult(outcome: EngineOutcome, version: number): LowerResult {
  const refused = (message: string, remedy?: string): LowerResult => ({
    version,
    text: '',
    language: 'text',
    origins: [],
    failure: remedy === undefined ? { message } : { message, remedy },
  });
  if (outcome.kind === 'cancelled') return refused('Cancelled.');
  if (outcome.kind === 'failed') return refused(outcome.message, outcome.remedy);
  const text = textAt(outcome.json, 'text');
  if (text === undefined) return refused('The engine gave no assembly.');
  const c = listAt(outcome.json, 'c').flatMap((link) => {
    const [line, to] = isObject(link) ? [numberAt(link, 'line'), numberAt(link, 'c')] : [];
    return line === undefined || to === undefined ? [] : [{ line, c: to }];
  });
  return { version, text, language: 'asm', origins: listAt(outcome.json, 'origins').flatMap(originOf), c };
}

function originOf(value: unknown): readonly LineOrigin[] {
  if (!isObject(value)) return [];
  const line = numberAt(value, 'line');
  const [start, end] = [positionOf(objectAt(value, 'start')), positionOf(objectAt(value, 'end'))];
  return line === undefined || !start || !end ? [] : [{ line, source: { start, end } }];
}

function positionOf(value: JsonObject | undefined): WirePosition | undefined {
  const [line, character] = [numberAt(value, 'line'), numberAt(value, 'character')];
  return line === undefined || character === undefined ? undefined : { line, character };
}
