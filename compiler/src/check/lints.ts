/** Findings beyond errors: what is never used, and errors in what never runs. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Context } from './context.ts';
import type { CheckedDefinition } from './definition.ts';

export function lint(cx: Context, done: CheckedDefinition, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  void cx;
  void done;
  return diagnostics;
}
