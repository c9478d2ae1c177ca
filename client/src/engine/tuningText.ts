/** What the language status says of tuning. */
import type { BuildResult } from '../../../server/src/protocol.ts';

/** `3 of 9 kernels tuned`, and what there is to say of records that do not apply. */
export function tuningText({ layers, notice }: Pick<BuildResult, 'layers' | 'notice'>): {
  readonly text: string;
  readonly detail: string;
} {
  const tuned = layers.filter((layer) => layer.tuned).length;
  const text = tuned === 0 ? 'Not tuned' : `${tuned} of ${layers.length} kernels tuned`;
  return { text, detail: notice ?? '' };
}
