/** Diagnostics of `match` and of attributes. */
import type { CatalogueEntry } from './entry.ts';

export const patternEntries: readonly CatalogueEntry[] = [
  {
    code: 'non-exhaustive-match',
    title: 'Cases are missing',
    explanation: '`match` must handle every value; `match?` need not.',
    wrong: 'def @main(%xs: List[int32]) { match (%xs) { Cons(%x, _) => %x } }',
    right: 'def @main(%xs: List[int32]) { match (%xs) { Cons(%x, _) => %x, Nil => 0 } }',
  },
  {
    code: 'unreachable-arm',
    title: 'Arm never taken',
    explanation: 'The arms above handle every value that this one matches.',
    wrong: 'def @main(%xs: List[int32]) { match (%xs) { _ => 0, Cons(%x, _) => %x } }',
    right: 'def @main(%xs: List[int32]) { match (%xs) { Cons(%x, _) => %x, _ => 0 } }',
  },
  {
    code: 'constructor-pattern-arity',
    title: 'Wrong number of fields in a pattern',
    explanation: 'A constructor pattern has a pattern for each field; use `_` for those of no interest.',
    wrong: 'def @main(%xs: List[int32]) { match? (%xs) { Cons(%x) => %x } }',
    right: 'def @main(%xs: List[int32]) { match? (%xs) { Cons(%x, _) => %x } }',
  },
  {
    code: 'tuple-pattern-length',
    title: 'Wrong length of a tuple pattern',
    explanation: 'A tuple pattern has a pattern for each field of the tuple.',
    wrong: 'def @main(%p: (int32, int32)) { match (%p) { (%a, %b, %c) => %a } }',
    right: 'def @main(%p: (int32, int32)) { match (%p) { (%a, %b) => %a } }',
  },
  {
    code: 'pattern-type',
    title: 'Pattern of another type',
    explanation: 'A pattern can only match values of its own type.',
    wrong: 'def @main(%x: int32) { match (%x) { Nil => 0, _ => 1 } }',
    right: 'def @main(%x: List[int32]) { match (%x) { Nil => 0, _ => 1 } }',
  },
  {
    code: 'unknown-attribute',
    title: 'No such attribute',
    explanation: 'The operator has no attribute of that name.',
    wrong: 'def @main(%x: Tensor[(2, 3), float32]) { nn.softmax(%x, axes=1) }',
    right: 'def @main(%x: Tensor[(2, 3), float32]) { nn.softmax(%x, axis=1) }',
  },
  {
    code: 'missing-attribute',
    title: 'Attribute is required',
    explanation: 'An attribute without a default must be written.',
    wrong: 'def @main(%x: float32) { cast(%x) }',
    right: 'def @main(%x: float32) { cast(%x, dtype="int8") }',
  },
  {
    code: 'bad-attribute',
    title: 'Attribute value does not fit',
    explanation: 'The value is of the wrong kind, or out of the range that fits the arguments.',
    wrong: 'def @main(%x: Tensor[(2, 3), float32]) { nn.softmax(%x, axis="a") }',
    right: 'def @main(%x: Tensor[(2, 3), float32]) { nn.softmax(%x, axis=0) }',
  },
  {
    code: 'unexpected-attributes',
    title: 'Attributes where none are taken',
    explanation: 'Functions and some operators take no attributes.',
    wrong: 'def @main(%x: float32) { exp(%x, axis=1) }',
    right: 'def @main(%x: float32) { exp(%x) }',
  },
];
