/** Random edits of programs, repeatable by their seed, and what a user sees of the result. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { check } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { walkTree } from '../../compiler/src/syntax/walk.ts';
import { printType } from '../../compiler/src/types/print.ts';

/** Whole numbers below a limit, the same for the same seed. */
export type Random = (limit: number) => number;

export function randomOf(seed: number): Random {
  let state = (seed ^ 0x2545f491) | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

export interface RandomEdit {
  readonly start: number;
  readonly end: number;
  readonly insert: string;
}

const token = /%?[A-Za-z_0-9.]+|"[^"\n]*"|\s+|\S/g;
const pieces =
  '( ) [ ] { } ; , = : -> => % @ %0 %x @f let if else match fn def type Tensor[(1,2),float32] add( " /* */ // \n 0 -1 9223372036854775807 1f meta[x][0] ? _ é'.split(
    ' ',
  );

/** Deletes, inserts or changes a single token. */
export function randomEdit(text: string, random: Random): RandomEdit {
  const from = Math.max(0, random(text.length + 1) - 1);
  token.lastIndex = from;
  const found = token.exec(text);
  const start = found?.index ?? text.length;
  const end = start + (found?.[0].length ?? 0);
  const piece = pieces[random(pieces.length)] ?? ';';
  const kind = random(3);
  if (kind === 0) return { start, end, insert: '' };
  return kind === 1 ? { start, end: start, insert: piece } : { start, end, insert: piece };
}

export function applied(text: string, edit: RandomEdit): string {
  return text.slice(0, edit.start) + edit.insert + text.slice(edit.end);
}

/** Types of nodes by where they lie: what hovers say. */
export function hovers(result: CheckResult): Map<string, string> {
  const seen = new Map<string, string>();
  walkTree(result.tree, (node) => {
    const type = result.typeOf(node as Parameters<CheckResult['typeOf']>[0]);
    if (!type) return true;
    const { start, end } = resolveSpan(result.tree.anchors, node.span);
    seen.set(`${node.kind} ${start} ${end}`, printType(type));
    return true;
  });
  return seen;
}

function findings(result: CheckResult): string[] {
  const all = [...result.tree.errors, ...result.diagnostics];
  return all.map(({ code, message, span }) => {
    const { start, end } = resolveSpan(result.tree.anchors, span);
    return `${code} ${start} ${end} ${message}`;
  });
}

/** Everything seen, as text, for comparisons. */
function seen(result: CheckResult): string {
  return [...findings(result).sort(), ...[...hovers(result)].map((entry) => entry.join(' '))].join('\n');
}

function firstDifference(again: string, anew: string): string {
  const [left, right] = [again.split('\n'), anew.split('\n')];
  const at = left.findIndex((line, i) => line !== right[i]);
  return at < 0 ? `fresh also has ${right[left.length]}` : `${left[at]} instead of ${right[at]}`;
}

export interface FuzzFailure {
  /** Texts since the program was loaded, and the last of them before the edit that failed. */
  readonly before: readonly string[];
  readonly text: string;
  readonly edit: RandomEdit;
  readonly problem: string;
}

export interface FuzzReport {
  readonly edits: number;
  /** Longest time one edit took, in milliseconds. */
  readonly slowest: number;
  readonly failures: readonly FuzzFailure[];
}

/** Edits programs again and again, each result compared with that of parsing and checking afresh. */
export function fuzz(programs: readonly string[], edits: number, seed: number): FuzzReport {
  const random = randomOf(seed);
  const failures: FuzzFailure[] = [];
  let history: string[] = [];
  let slowest = 0;
  let text = '';
  let tree = parseSource(text);
  let result = check(tree);
  for (let i = 0; i < edits && failures.length < 20; i++) {
    if (i % 12 === 0) {
      text = programs[random(programs.length)] ?? '';
      tree = parseSource(text);
      result = check(tree);
      history = [];
    }
    history.push(text);
    const edit = randomEdit(text, random);
    const next = applied(text, edit);
    const began = performance.now();
    try {
      const { start, end, insert } = edit;
      tree = reparse(tree, text, next, [{ start, end, newLength: insert.length }]);
      result = check(tree, { previous: result });
      slowest = Math.max(slowest, performance.now() - began);
      const fresh = check(parseSource(next));
      const [again, anew] = [seen(result), seen(fresh)];
      if (again !== anew) {
        failures.push({
          before: [...history],
          text,
          edit,
          problem: `differs from a fresh check: ${firstDifference(again, anew)}`,
        });
        tree = fresh.tree;
        result = fresh;
      }
    } catch (error) {
      failures.push({
        before: [...history],
        text,
        edit,
        problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      tree = parseSource('');
      result = check(tree);
      text = '';
      continue;
    }
    text = next;
  }
  return { edits, slowest, failures };
}

/** The accepted programs of the conformance corpora; empty where they are absent. */
export function corpusPrograms(root: string): string[] {
  const folder = path.join(root, '../shared/conformance');
  return ['tvm-suite.jsonl', 'generated.jsonl'].flatMap((name) => {
    const file = path.join(folder, name);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as { readonly text: string; readonly ok: boolean });
    return rows.filter(({ ok, text }) => ok && text.length < 4000).map(({ text }) => text);
  });
}
