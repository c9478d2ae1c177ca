import { computedRepairs } from '../../../../compiler/src/check/repairs/repairs.ts';
import type { CodeActionRecord } from './action.ts';

/** The repairs that diagnostics carry: nearest names, missing separators, the version header. */
export const carriedFixes: CodeActionRecord = {
  name: 'Did you mean',
  kind: 'quickfix',
  summary: 'Replaces a name that is not known by the nearest one that is, and repairs slips of syntax.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  nn.re$0lru(%x)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  nn.relu(%x)\n}',
  },
  offers: ({ diagnostics }) =>
    diagnostics.flatMap((diagnostic) => (diagnostic.fixes ?? []).map((fix) => ({ ...fix, diagnostic }))),
};

/** Repairs found by trying: each was checked before it is offered. */
export const shapeRepairs: CodeActionRecord = {
  name: 'Computed repairs of shapes',
  kind: 'quickfix',
  summary:
    'Transposes, reshapes, casts or broadcasts an argument, or sets a layout, an axis, units or groups, so that the types fit. Only repairs that leave no new error behind are offered.',
  example: {
    before: 'def @main(%x: Tensor[(2, 3), float32], %w: Tensor[(3, 4), float32]) {\n  nn.dense(%x, $0%w, units=4)\n}',
    after:
      'def @main(%x: Tensor[(2, 3), float32], %w: Tensor[(3, 4), float32]) {\n  nn.dense(%x, transpose(%w, axes=[1, 0]), units=4)\n}',
  },
  offers: ({ snapshot, diagnostics }) =>
    diagnostics.flatMap((diagnostic) => computedRepairs(snapshot, diagnostic).map((fix) => ({ ...fix, diagnostic }))),
};
