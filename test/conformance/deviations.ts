/**
 * Where the checker deviates from TVM 0.12 on purpose. One entry is a class of programs, with the reason why a user is
 * served better. The conformance test holds the share of each corpus that deviates below 3 %.
 */
import type { Case } from './corpus.ts';

export interface Difference {
  readonly what: 'verdict' | 'globals' | 'calls' | 'crash';
  readonly detail: string;
}

export interface Deviation {
  readonly name: string;
  readonly reason: string;
  readonly applies: (case_: Case, difference: Difference) => boolean;
}

function acceptedHere(difference: Difference): boolean {
  return difference.what === 'verdict' && difference.detail.startsWith('accepted here');
}

/** Names bound by `let`, and names bound by parameters and patterns. */
function shadows(text: string): boolean {
  const code = text.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, ' ');
  const bound = new Set([...code.matchAll(/[(,]\s*%([A-Za-z_]\w*)\s*(?:[:,)])/g)].map((match) => match[1]));
  const lets = [...code.matchAll(/\blet\s+%([A-Za-z_]\w*)/g)].map((match) => match[1]);
  return lets.some((name) => bound.has(name)) || new Set(lets).size < lets.length;
}

/** A function without a result type that another function calls. */
function callsUnannotated(text: string): boolean {
  const code = text.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, ' ');
  for (const match of code.matchAll(/\bdef\s+@(\w+)\s*(?:\[[^\]]*\])?\s*\(/g)) {
    let depth = 1;
    let at = match.index + match[0].length;
    for (; at < code.length && depth > 0; at++) depth += code[at] === '(' ? 1 : code[at] === ')' ? -1 : 0;
    if (/^\s*->/.test(code.slice(at))) continue;
    if (new RegExp(`@${match[1]}\\b`).test(code.slice(0, match.index) + code.slice(at))) return true;
  }
  return false;
}

/** Whether the two types of a difference become equal when `change` is made to both. */
function sameAfter(difference: Difference, change: (type: string) => string): boolean {
  const [, expected, found] = /: expected (.*?),? found (.*)$/s.exec(difference.detail) ?? [];
  const clean = (type: string): string => change(type).replace(/[\s,]+$/, '');
  return expected !== undefined && found !== undefined && clean(expected) === clean(found);
}

/** A `let` whose value mentions the variable it binds. */
function bindsItself(text: string): boolean {
  return [...text.matchAll(/\blet\s+(%\w+)[^=]*=\s*([^;]*);/g)].some(([, name, value]) =>
    [...(value ?? '').matchAll(/%\w+/g)].some(([used]) => used === name),
  );
}

const deviations: readonly Deviation[] = [
  {
    name: 'let-shadows-parameter',
    reason:
      'A `let` shadows a parameter or pattern variable of the same name. TVM silently keeps the parameter, so that the value bound is never seen; every reader of the program expects the `let` to count.',
    applies: (case_, difference) => (acceptedHere(difference) || difference.what !== 'verdict') && shadows(case_.text),
  },
  {
    name: 'inferred-result-of-callee',
    reason:
      'A function without a result annotation is called. TVM cannot infer the call, or believes whatever its context says; here the callee is inferred first.',
    applies: (case_, difference) => acceptedHere(difference) && callsUnannotated(case_.text),
  },
  {
    name: 'operator-on-type-parameter',
    reason:
      'An operator that needs tensors is applied to a value of a type parameter, with an annotated result. TVM drops the unsolved relation and its own compiler fails later.',
    applies: (_, difference) => /not-a-tensor: .* found `[A-Z]\w*`/.test(difference.detail),
  },
  {
    name: 'undefined-type-in-definition',
    reason: 'A type definition mentions a type that does not exist. TVM looks only when a value of it is used.',
    applies: (_, difference) => difference.what === 'verdict' && difference.detail.startsWith('unknown-type'),
  },
  {
    name: 'projection-of-call',
    reason: 'A projection follows a call or a projection, as in `split(…).0` and `%t.0.1`. TVM trips in its lexer.',
    applies: (case_, difference) => acceptedHere(difference) && /\)\.\d|\.\d+\.\d/.test(case_.text),
  },
  {
    name: 'sign-after-number',
    reason: 'A minus sign follows a digit without a gap, as in `1--7`. TVM reads a malformed number.',
    applies: (case_, difference) => acceptedHere(difference) && /\d[+-]+\d/.test(case_.text),
  },
  {
    name: 'product-without-units',
    reason:
      'A dense layer with `units=None` whose features differ from those of its weight. TVM compares them only when `units` is given and computes nonsense.',
    applies: (_, difference) =>
      difference.detail.startsWith('shape-mismatch') && / features \(dimension/.test(difference.detail),
  },
  {
    name: 'width-of-sizes',
    reason:
      'A size stands once as int32 and once as int64 (`1` and `1i64`). They are one size; TVM prints whichever it met later.',
    applies: (_, difference) => sameAfter(difference, (type) => type.replace(/\b(\d+)i64\b/g, '$1')),
  },
  {
    name: 'symbolic-terms',
    reason:
      'A size computed from symbolic ones can be written as several terms, such as n − 2 and n + −2. TVM shows only the kind of term. A term that rounds is unknown here.',
    applies: (_, difference) =>
      difference.detail.includes('meta[tir.') &&
      sameAfter(difference, (type) => type.replace(/meta\[tir\.\w+\]\[\d+\]|\?/g, 'size')),
  },
  {
    name: 'fractional-sizes',
    reason: 'A size is written as a number with a fraction. TVM takes it into the type and fails when it compiles.',
    applies: (_, difference) =>
      /^bad-attribute: `\w+\[\d+\]` must be an integer, found the number/.test(difference.detail),
  },
  {
    name: 'value-of-itself',
    reason:
      'The value of a `let` that binds no function mentions the variable being bound, which has no value yet. TVM fails when it runs.',
    applies: (case_, difference) => difference.detail.startsWith('unknown-local') && bindsItself(case_.text),
  },
  {
    name: 'documented-choices',
    reason:
      'A text attribute is none of the documented choices. TVM takes it as it is and fails when it compiles, or falls back without a word.',
    applies: (_, difference) => /^bad-attribute: `\w+` must be one of "/.test(difference.detail),
  },
  {
    name: 'unchecked-range',
    reason:
      "An axis lies outside the tensor, or a count is negative. A few of TVM's relations do not look; it fails when it compiles, or reads past the tensor when it runs.",
    applies: (_, difference) =>
      /^bad-attribute: .*(must be from -?\d|is a scalar and has no axes|must not be negative)/.test(difference.detail),
  },
  {
    name: 'unchecked-broadcast',
    reason:
      '`broadcast_to` names a shape to which its operand does not broadcast. TVM compares them before it knows the result, and never again.',
    applies: (_, difference) => /does not broadcast to \(/.test(difference.detail),
  },
];

export function deviationOf(case_: Case, difference: Difference): Deviation | undefined {
  if (difference.what === 'crash') return undefined;
  return deviations.find((deviation) => deviation.applies(case_, difference));
}
