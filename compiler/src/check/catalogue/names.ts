/** Diagnostics of names: what does not exist, what exists twice, what is out of reach. */
import type { CatalogueEntry } from './entry.ts';

export const nameEntries: readonly CatalogueEntry[] = [
  {
    code: 'unknown-local',
    title: 'No such variable',
    explanation: 'A local variable is used that no parameter, `let` or pattern around it binds.',
    wrong: 'def @main(%data: float32) { %dtaa }',
    right: 'def @main(%data: float32) { %data }',
  },
  {
    code: 'unknown-graph-number',
    title: 'No such graph number',
    explanation: 'Graph numbers such as `%0` name an expression written above. This one is not written there.',
    wrong: 'def @main(%x: float32) { %0 = exp(%x); add(%0, %1) }',
    right: 'def @main(%x: float32) { %0 = exp(%x); add(%0, %0) }',
  },
  {
    code: 'unknown-global',
    title: 'No such function',
    explanation: 'A function is called that the file, its imports and the prelude do not define.',
    wrong: 'def @main(%x: float32) { @scael(%x) }\ndef @scale(%x: float32) -> float32 { %x * 2f }',
    right: 'def @main(%x: float32) { @scale(%x) }\ndef @scale(%x: float32) -> float32 { %x * 2f }',
  },
  {
    code: 'unknown-operator',
    title: 'No such operator',
    explanation:
      'A name without a sigil is an operator or a constructor. Operators have their full name: `nn.relu`, not `relu`.',
    wrong: 'def @main(%x: float32) { relu(%x) }',
    right: 'def @main(%x: float32) { nn.relu(%x) }',
  },
  {
    code: 'unknown-constructor',
    title: 'No such constructor',
    explanation: 'A name in a pattern is a constructor of a type. Variables in patterns carry a `%`.',
    wrong: 'type T { X(int32) }\ndef @main(%t: T) { match? (%t) { Y(%n) => %n } }',
    right: 'type T { X(int32) }\ndef @main(%t: T) { match? (%t) { X(%n) => %n } }',
  },
  {
    code: 'unknown-type',
    title: 'No such type',
    explanation: 'A type is neither built in, nor defined by a `type`, nor a type parameter in scope.',
    wrong: 'def @main(%xs: Lisst[int32]) { %xs }',
    right: 'def @main(%xs: List[int32]) { %xs }',
  },
  {
    code: 'unknown-dtype',
    title: 'No such element type',
    explanation: 'Element types are `int`, `uint`, `float` or `bfloat` with a width, or `bool`.',
    wrong: 'def @main(%x: Tensor[(2), flaot32]) { %x }',
    right: 'def @main(%x: Tensor[(2), float32]) { %x }',
  },
  {
    code: 'unknown-metadata',
    title: 'Missing metadata',
    explanation:
      'Constants that are no scalars stand in the metadata section at the end of the file. Dumps made without it still check when each constant is followed by its type in a comment.',
    wrong: 'def @main() { meta[relay.Constant][0] }',
    right: 'def @main() { meta[relay.Constant][0] /* ty=Tensor[(3), float32] */ }',
  },
  {
    code: 'constructor-before-definition',
    title: 'Constructor used above its type',
    explanation: 'Functions may be used before they are defined; constructors may not.',
    wrong: 'def @main() { On }\ntype Switch { On, Off }',
    right: 'type Switch { On, Off }\ndef @main() { On }',
  },
  {
    code: 'variable-out-of-scope',
    title: 'Graph number used outside the scope of its variables',
    explanation: 'A graph number may be used anywhere below, but not where the variables that it mentions are unknown.',
    wrong: 'def @main(%x: float32) { let %f = fn (%y: float32) { %0 = exp(%y); %0 }; add(%f(%x), %0) }',
    right: 'def @main(%x: float32) { %0 = exp(%x); let %f = fn (%y: float32) { add(%y, %0) }; %f(%x) }',
  },
  {
    code: 'free-variable',
    title: 'Free variable in a function',
    explanation: '`free_var` belongs to expressions that stand alone. A function takes what it needs as parameters.',
    wrong: 'def @main() { free_var %x: float32; %x }',
    right: 'def @main(%x: float32) { %x }',
  },
  {
    code: 'duplicate-type',
    title: 'Type defined twice',
    explanation: 'Each type has one definition.',
    wrong: 'type A { X }\ntype A { Y }\ndef @main() { X }',
    right: 'type A { X }\ntype B { Y }\ndef @main() { X }',
  },
  {
    code: 'duplicate-constructor',
    title: 'Constructor defined twice',
    explanation: 'Constructors of all types share one space of names.',
    wrong: 'type A { X }\ntype B { X }\ndef @main() { X }',
    right: 'type A { X }\ntype B { Y }\ndef @main() { X }',
  },
  {
    code: 'duplicate-function',
    title: 'Function defined twice',
    explanation: 'The later definition replaces the former without a word in TVM.',
    wrong: 'def @main() { 1 }\ndef @main() { 2 }',
    right: 'def @main() { 1 }\ndef @other() { 2 }',
  },
  {
    code: 'duplicate-binder',
    title: 'Name bound twice in one place',
    explanation: 'Of two parameters or pattern variables of one name, the first is meant.',
    wrong: 'def @main(%x: int32, %x: float32) { %x }',
    right: 'def @main(%x: int32, %y: float32) { (%x, %y) }',
  },
  {
    code: 'duplicate-type-parameter',
    title: 'Type parameter declared twice',
    explanation: 'Of two type parameters of one name, the first is meant.',
    wrong: 'def @main[A, A](%x: A) -> A { %x }',
    right: 'def @main[A, B](%x: A, %y: B) -> A { %x }',
  },
  {
    code: 'graph-number-redefined',
    title: 'Graph number defined twice',
    explanation: 'Graph numbers ignore scopes and the first definition counts, so a second one has no effect.',
    wrong: 'def @main(%x: float32) { %0 = exp(%x); %0 = log(%x); %0 }',
    right: 'def @main(%x: float32) { %0 = exp(%x); %1 = log(%0); %1 }',
  },
  {
    code: 'unused-binding',
    title: 'Binding never used',
    explanation: 'Nothing mentions the name. Remove the binding, or begin its name with `_`.',
    wrong: 'def @main(%x: float32) { let %y = exp(%x); %x }',
    right: 'def @main(%x: float32) { let %y = exp(%x); %y }',
  },
  {
    code: 'unknown-dimension',
    title: 'No such named dimension',
    explanation: 'A named dimension in a body must be one that the signature of the function introduces.',
    wrong: 'def @main(%x: Tensor[(2), float32]) { let %y: Tensor[(m), float32] = %x; %y }',
    right: 'def @main(%x: Tensor[(2), float32]) { let %y: Tensor[(2), float32] = %x; %y }',
  },
  {
    code: 'unknown-import',
    title: 'Imported file cannot be read',
    explanation: 'The path of an `import` is relative to the importing file.',
    wrong: 'import "nowhere.relay"\ndef @main() { 1 }',
    right: 'def @main() { 1 }',
  },
  {
    code: 'import-clash',
    title: 'Imported names clash',
    explanation:
      'Two files define the same function or type, and one program imports both. A definition of the file itself hides what it imports, with a warning.',
    wrong: 'import "a.relay"\nimport "b.relay"\ndef @main() { @scale(1f) }',
    right: 'import "a.relay"\ndef @main() { @scale(1f) }',
    files: {
      'a.relay': 'def @scale(%x: float32) -> float32 { %x * 2f }',
      'b.relay': 'def @scale(%x: float32) -> float32 { %x * 3f }',
    },
  },
  {
    code: 'broken-import',
    title: 'Imported file has errors',
    explanation: 'What the file defines without error can be used; the rest is unknown until the file is mended.',
    wrong: 'import "a.relay"\ndef @main() { @half(1f) }',
    right: 'import "b.relay"\ndef @main() { @half(1f) }',
    files: {
      'a.relay': 'def @half(%x: float32) -> float32 { %x / 2 }',
      'b.relay': 'def @half(%x: float32) -> float32 { %x / 2f }',
    },
  },
  {
    code: 'hidden-parameter',
    title: '`let` hides a parameter',
    explanation:
      'A `let` may reuse the name of a parameter or of a variable of a pattern; from there on the name means the new value. TVM 0.12 accepts the program and silently goes on reading the parameter.',
    wrong: 'def @main(%x: float32) {\n  let %x = %x + 1f;\n  %x\n}',
    right: 'def @main(%x: float32) {\n  let %y = %x + 1f;\n  %y\n}',
  },
  {
    code: 'repeated-graph-number',
    title: 'Graph number of another function',
    explanation:
      'Two functions bind the same graph number. Each function has numbers of its own here; TVM 0.12 reads the number as the first function binds it, wherever it stands.',
    wrong: 'def @f(%x: int32) {\n  %0 = %x + 1;\n  %0 * %0\n}\ndef @g(%y: int32) {\n  %0 = %y + 2;\n  %0 * %0\n}',
    right: 'def @f(%x: int32) {\n  %0 = %x + 1;\n  %0 * %0\n}\ndef @g(%y: int32) {\n  %1 = %y + 2;\n  %1 * %1\n}',
  },
  {
    code: 'metadata-damaged',
    title: 'Metadata section cannot be read',
    explanation:
      'The section behind `#[metadata]` is JSON with the constants of the program. It was cut off or changed, so that nothing in it is known. It is told of once, at the first reference.',
    wrong: 'def @main() { meta[relay.Constant][0] }\n#[metadata]\n{"root": 1, "nodes": [',
    right: 'def @main() { meta[relay.Constant][0] /* ty=Tensor[(2), float32] */ }',
  },
];
