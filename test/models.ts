/** The reference models and their expected outputs, where they are present beside the project. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { int8Values } from '../compiler/src/evaluate/seeded.ts';
import type { ByteRule } from '../compiler/src/evaluate/seeded.ts';
import type { NDArray } from '../compiler/src/tensor/ndarray.ts';

export interface ModelCase {
  readonly seed: number;
  readonly rule: ByteRule;
  readonly output: readonly number[];
}
export interface ReferenceModel {
  readonly name: string;
  readonly text: string;
  readonly params: Uint8Array;
  readonly input: { readonly name: string; readonly shape: readonly number[]; readonly dtype: string };
  readonly cases: readonly ModelCase[];
}

export const sharedRoot = fileURLToPath(new URL('../../shared/', import.meta.url));

/** The models; empty where they are absent. */
export function referenceModels(shared = sharedRoot): readonly ReferenceModel[] {
  const folder = `${shared}models/`;
  if (!existsSync(`${folder}expected.json`)) return [];
  const expected = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as {
    models: Record<string, { input: ReferenceModel['input']; cases: ModelCase[] }>;
  };
  return Object.entries(expected.models).map(([name, m]) => ({
    name,
    text: readFileSync(`${folder}${name}.relay`, 'utf8'),
    params: readFileSync(`${folder}${name}.params`),
    input: m.input,
    cases: m.cases,
  }));
}

export function inputOf(model: ReferenceModel, c: ModelCase): NDArray {
  return int8Values(model.input.shape, c.seed, c.rule);
}
