/** Work that the first document would otherwise wait for: the grammar, the operators and the prelude are made. */
import type { Steps } from '../../compiler/src/base/steps.ts';
import { checkSteps } from '../../compiler/src/check/check.ts';
import { parseSteps } from '../../compiler/src/syntax/parser.ts';

const program = `#[version = "0.0.5"]
def @main(%x: Tensor[(2, 3), float32]) {
  %0 = add(%x, 1f);
  let %y = nn.relu(%0);
  match (Cons(%y, Nil)) { Cons(%z, _) => (%z, %0).0, Nil => %0 * %y }
}
`;

/** Parses and checks a small program. */
export function* warmUp(): Steps<void> {
  const tree = yield* parseSteps(program);
  yield;
  yield* checkSteps(tree);
}
