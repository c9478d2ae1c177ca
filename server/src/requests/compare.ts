/** Whether two documents mean the same, with their normal forms. Depends on its job alone. */
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import { neverCancelled } from '../../../compiler/src/base/cancellation.ts';
import { check } from '../../../compiler/src/check/check.ts';
import { compareFunctions } from '../../../compiler/src/compare/compare.ts';
import { comparisonHeadline } from '../../../compiler/src/compare/headline.ts';
import { normalForm } from '../../../compiler/src/compare/normal-form.ts';
import { elaborate } from '../../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../../compiler/src/ir/expr.ts';
import { printModule } from '../../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../../compiler/src/operators/registry.ts';
import { parseSource } from '../../../compiler/src/syntax/parser.ts';
import type { CompareResult } from '../protocol.ts';

/** Two programs, as plain data; their `@main`s are compared. */
export interface CompareJob {
  readonly kind: 'compare';
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  readonly other: { readonly uri: string; readonly text: string };
}

/** Compares; takes from milliseconds to minutes, where inputs have to be tried. */
export function compareDocuments(job: CompareJob): CompareResult {
  const left = moduleOf(nameOf(job.uri), job.text);
  if (!left.ok) return refusedComparison(job, left.error.message);
  const right = moduleOf(nameOf(job.other.uri), job.other.text);
  if (!right.ok) return refusedComparison(job, right.error.message);
  const found = compareFunctions({ module: left.value, name: 'main' }, { module: right.value, name: 'main' });
  if (!found.ok) return refusedComparison(job, found.error.message);
  const { verdict, distance } = found.value;
  return {
    version: job.version,
    verdict,
    headline: comparisonHeadline(found.value),
    distance,
    left: normalText(left.value),
    right: normalText(right.value),
  };
}

/** The answer where no comparison is possible. */
export function refusedComparison(job: { readonly version: number }, message: string): CompareResult {
  return { version: job.version, verdict: 'unknown', headline: message, distance: 1, left: '', right: '' };
}

/** The file's name. */
function nameOf(uri: string): string {
  const last = uri.split('/').at(-1) ?? uri;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function moduleOf(name: string, text: string): Result<IRModule> {
  const tree = parseSource(text);
  const result = check(tree);
  const errors = [...tree.errors, ...result.diagnostics].filter((d) => d.severity === 'error');
  if (errors.length > 0) return fail('program-has-errors', `${name} has errors; correct them first.`);
  const module = elaborate(result);
  if (!module.ok) return module;
  return module.value.functions.has('main') ? ok(module.value) : fail('no-main', `${name} has no @main.`);
}

function normalText(module: IRModule): string {
  const form = normalForm(module, 'main', 'exact', neverCancelled);
  if (form === undefined) return '';
  const shown = { ...form.module, functions: new Map([['main', form.entry]]) };
  return printModule(shown, { operators: operatorRegistry, metadata: false }).text;
}
