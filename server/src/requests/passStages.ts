/** The module between two passes, as a stage of its own: `pass-0` is what the first pass is given. */
import { neverCancelled } from '../../../compiler/src/base/cancellation.ts';
import type { IRModule } from '../../../compiler/src/ir/expr.ts';
import { printModule, type PrintedText } from '../../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../../compiler/src/operators/registry.ts';
import { passContext, runPasses, simplificationOrder } from '../../../compiler/src/pipeline/simplification.ts';

/** The name of the stage after `count` passes. */
export function passStage(count: number): string {
  return `pass-${count}`;
}

/** How many passes have run at a stage of this kind; undefined for other stages. */
export function passCount(stage: string): number | undefined {
  const count = Number(/^pass-(\d{1,3})$/.exec(stage)?.[1] ?? NaN);
  return count <= simplificationOrder.length ? count : undefined;
}

/** The typed module after the first `count` passes, as text. */
export function printAfterPasses(typed: IRModule, count: number): PrintedText {
  const { module } = runPasses(typed, passContext(neverCancelled), simplificationOrder.slice(0, count));
  return printModule(module, { operators: operatorRegistry, metadata: false });
}
