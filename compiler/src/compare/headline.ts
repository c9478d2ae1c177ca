/** The outcome of a comparison as a sentence, for terminals and the editor alike. */
import { unreachable } from '../base/result.ts';
import { tolerance } from './behaviour.ts';
import type { Comparison } from './compare.ts';

/** What was found, in one sentence or two. */
export function comparisonHeadline(found: Comparison): string {
  const { verdict, behaviour } = found;
  switch (verdict) {
    case 'identical':
      return 'The same program: the texts differ in names at most.';
    case 'same':
      return 'They mean the same: equal for every input (proved by exact rewriting).';
    case 'same-real':
      return 'They mean the same over the real numbers (proved by rewriting); floats may round otherwise.';
    case 'agree': {
      const agreed = behaviour?.kind === 'agree' ? behaviour : { samples: 0, largest: 0 };
      const within = agreed.largest > 0 ? ` within ${agreed.largest.toExponential(1)}` : '';
      return `No proof, but equal${within} on all ${agreed.samples} inputs that were tried.`;
    }
    case 'differ': {
      if (behaviour?.kind !== 'differ') return 'They differ.';
      const { seed, output, index, left, right, differing, elements } = behaviour.counterexample;
      const at = `output ${output + 1}${index.length > 0 ? ` at [${index.join(', ')}]` : ''}`;
      const bound = `beyond ${tolerance} of their size for floats`;
      return `They differ: with inputs of seed ${seed}, ${at} is ${left} in one and ${right} in the other (${differing} of ${elements} elements differ, ${bound}).`;
    }
    case 'unlike':
      return `They cannot mean the same: ${found.reason?.message ?? 'their types differ.'}`;
    case 'unknown':
      return `Not known: ${found.reason?.message ?? 'neither a proof nor a run was possible.'}`;
    default:
      return unreachable(verdict);
  }
}
