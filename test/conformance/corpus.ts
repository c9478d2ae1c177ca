/** Reading the conformance corpora, which lie beside the project and may be absent. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Case {
  readonly id: string;
  readonly text: string;
  readonly ok: boolean;
  readonly group?: string;
  readonly test?: string;
  readonly ops?: readonly string[];
  readonly stage?: string;
  readonly globals?: Readonly<Record<string, string>>;
  readonly calls?: readonly (readonly [string, string])[];
  readonly canon?: boolean;
  readonly tvm_internal?: boolean;
}

const directory = fileURLToPath(new URL('../../../shared/conformance/', import.meta.url));

export const corpora = ['tvm-suite', 'generated'] as const;

/** The cases of a corpus, or undefined when it is not there. */
export function readCorpus(name: string): readonly Case[] | undefined {
  const path = `${directory}${name}.jsonl`;
  if (!existsSync(path)) return undefined;
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Case);
}
