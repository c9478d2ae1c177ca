/** One case against the checker: verdict, types of globals, types of calls. */
import { check } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { printTvmType } from '../../compiler/src/types/print-tvm.ts';
import { callsOf } from './calls.ts';
import type { Case } from './corpus.ts';
import { deviationOf } from './deviations.ts';

export type Outcome =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'deviates'; readonly name: string }
  | { readonly kind: 'differs'; readonly what: 'verdict' | 'globals' | 'calls' | 'crash'; readonly detail: string };

export interface Judged {
  readonly case_: Case;
  readonly outcome: Outcome;
}

/** What TVM would reject: errors, and uses of extensions, which are marked but accepted here. */
function errorsOf(result: CheckResult): { readonly code: string; readonly message: string }[] {
  return [...result.tree.errors, ...result.diagnostics].filter(
    (diagnostic) => diagnostic.severity === 'error' || diagnostic.code.startsWith('extension-'),
  );
}

function difference(case_: Case): Extract<Outcome, { kind: 'differs' }> | undefined {
  let result: CheckResult;
  try {
    result = check(parseSource(case_.text), { prelude: false });
  } catch (error) {
    return {
      kind: 'differs',
      what: 'crash',
      detail: String(error instanceof Error ? error.stack : error).slice(0, 600),
    };
  }
  const errors = errorsOf(result);
  const ok = errors.length === 0;
  if (ok !== case_.ok) {
    const detail = ok
      ? 'accepted here, rejected by TVM'
      : errors
          .map((e) => `${e.code}: ${e.message}`)
          .slice(0, 3)
          .join(' | ');
    return { kind: 'differs', what: 'verdict', detail };
  }
  if (!case_.ok) return undefined;
  for (const [name, expected] of Object.entries(case_.globals ?? {})) {
    const type = result.globals.get(name);
    const found = type ? printTvmType(type) : 'none';
    if (found !== expected)
      return { kind: 'differs', what: 'globals', detail: `@${name}: expected ${expected}, found ${found}` };
  }
  if (case_.calls) {
    const found = callsOf(result).map((call) => call.join(': '));
    const expected = case_.calls.map((call) => call.join(': ')).sort();
    const sorted = [...found].sort();
    if (sorted.join('\n') !== expected.join('\n')) {
      const missing = subtract(expected, sorted);
      const extra = subtract(sorted, expected);
      return {
        kind: 'differs',
        what: 'calls',
        detail: `missing ${missing.slice(0, 3).join('; ')} · extra ${extra.slice(0, 3).join('; ')}`,
      };
    }
  }
  return undefined;
}

function subtract(from: readonly string[], what: readonly string[]): string[] {
  const rest = [...what];
  return from.filter((item) => {
    const at = rest.indexOf(item);
    if (at < 0) return true;
    rest.splice(at, 1);
    return false;
  });
}

/** Whether the checker agrees with TVM on a case, or deviates for a listed reason. */
export function judge(case_: Case): Judged {
  const different = difference(case_);
  if (!different) return { case_, outcome: { kind: 'agrees' } };
  const deviation = deviationOf(case_, different);
  return { case_, outcome: deviation ? { kind: 'deviates', name: deviation.name } : different };
}
