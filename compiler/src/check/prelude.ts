/** The standard prelude's types and functions, known without being pasted in (relay-language reference, section 6). */
import { operatorRegistry } from '../operators/registry.ts';
import { parseSource } from '../syntax/parser.ts';
import type { SourceTree } from '../syntax/tree.ts';
import { funcType, type FuncType, type Type } from '../types/type.ts';
import { someType } from '../types/substitute.ts';
import { Context } from './context.ts';
import { declareTypes } from './module.ts';
import type { AdtInfo, ConstructorInfo, GlobalInfo } from './scope.ts';
import { annotation, declareTypeParams } from './type-nodes.ts';

/** Types, and functions by their signatures alone. */
const source = `
type List[A] { Cons(A, List[A]), Nil }
type Option[A] { Some(A), None }
type Tree[A] { Rose(A, List[Tree[A]]) }
def @id[A](%x: A) -> A { () }
def @compose[A, B, C](%f: fn (B) -> C, %g: fn (A) -> B) -> fn (A) -> C { () }
def @flip[A, B, C](%f: fn (A, B) -> C) -> fn (B, A) -> C { () }
def @hd[A](%xs: List[A]) -> A { () }
def @tl[A](%xs: List[A]) -> List[A] { () }
def @nth[A](%xs: List[A], %n: int32) -> A { () }
def @length[A](%xs: List[A]) -> int32 { () }
def @update[A](%xs: List[A], %n: int32, %x: A) -> List[A] { () }
def @map[A, B](%f: fn (A) -> B, %xs: List[A]) -> List[B] { () }
def @foldl[A, B](%f: fn (A, B) -> A, %z: A, %xs: List[B]) -> A { () }
def @foldr[A, B](%f: fn (A, B) -> B, %z: B, %xs: List[A]) -> B { () }
def @foldr1[A](%f: fn (A, A) -> A, %xs: List[A]) -> A { () }
def @sum(%xs: List[int32]) -> int32 { () }
def @concat[A](%xs: List[A], %ys: List[A]) -> List[A] { () }
def @filter[A](%f: fn (A) -> bool, %xs: List[A]) -> List[A] { () }
def @zip[A, B](%xs: List[A], %ys: List[B]) -> List[(A, B)] { () }
def @rev[A](%xs: List[A]) -> List[A] { () }
def @map_accumr[A, B, C](%f: fn (A, B) -> (A, C), %z: A, %xs: List[B]) -> (A, List[C]) { () }
def @map_accuml[A, B, C](%f: fn (A, B) -> (A, C), %z: A, %xs: List[B]) -> (A, List[C]) { () }
def @unfoldr[A, B](%f: fn (A) -> Option[(A, B)], %z: A) -> List[B] { () }
def @unfoldl[A, B](%f: fn (A) -> Option[(A, B)], %z: A) -> List[B] { () }
def @tmap[A, B](%f: fn (A) -> B, %t: Tree[A]) -> Tree[B] { () }
def @size[A](%t: Tree[A]) -> int32 { () }
def @iterate[A](%f: fn (A) -> A, %n: int32) -> fn (A) -> A { () }
`;

interface Prelude {
  readonly adts: ReadonlyMap<string, AdtInfo>;
  readonly constructors: ReadonlyMap<string, ConstructorInfo>;
  readonly functions: ReadonlyMap<string, FuncType>;
}

let loaded: Prelude | undefined;

/** The prelude, read once: it never changes. */
function prelude(): Prelude {
  return (loaded ??= load());
}

function load(): Prelude {
  const tree = parseSource(source);
  const adts = new Map<string, AdtInfo>();
  const constructors = new Map<string, ConstructorInfo>();
  const module = { adts, constructors, globals: new Map<string, GlobalInfo>(), operators: operatorRegistry };
  const cx = new Context(module, undefined, -1, new Map());
  declareTypes(cx, tree.definitions, adts, constructors);
  const functions = new Map<string, FuncType>();
  for (const definition of tree.definitions) {
    if (definition.kind !== 'def') continue;
    const mark = cx.typeNames.mark();
    const typeParams = declareTypeParams(cx, definition.fn.typeParams);
    const params = definition.fn.params.flatMap((param) => annotation(cx, param.type) ?? []);
    const ret = annotation(cx, definition.fn.ret);
    cx.typeNames.restore(mark);
    if (ret) functions.set(definition.name.text, funcType(params, ret, typeParams));
  }
  const outside = (info: AdtInfo): AdtInfo => ({
    ...info,
    definition: undefined,
    order: -1,
    constructors: info.constructors.map((constructor) => ({ ...constructor, definition: undefined, order: -1 })),
  });
  const known = new Map([...adts].map(([name, info]) => [name, outside(info)]));
  const all = [...known.values()].flatMap((info) => info.constructors);
  return { adts: known, constructors: new Map(all.map((info) => [info.name, info])), functions };
}

/** Adds what the file does not define itself; what mentions a type that the file defines its own way is hidden too. */
export function preludeFor(
  tree: SourceTree,
  scope: {
    readonly adts: Map<string, AdtInfo>;
    readonly constructors: Map<string, ConstructorInfo>;
    readonly globals: Map<string, GlobalInfo>;
  },
): void {
  const { adts, constructors, functions } = prelude();
  const hidden = new Set<string>();
  const taken = new Set<string>();
  for (const definition of tree.definitions) {
    if (definition.kind !== 'type') continue;
    hidden.add(definition.name.text);
    for (const constructor of definition.constructors ?? []) taken.add(constructor.name.text);
  }
  // A type that shares a constructor's name with one of the file's gives way as a whole.
  for (const info of adts.values()) if (info.constructors.some((c) => taken.has(c.name))) hidden.add(info.name);
  const mentionsHidden = (type: Type): boolean =>
    someType(type, (t) => t.kind === 'adt' && typeof t.head === 'string' && hidden.has(t.head));
  for (const info of adts.values())
    if (info.constructors.some((constructor) => mentionsHidden(constructor.type))) hidden.add(info.name);
  for (const [name, info] of adts) if (!hidden.has(name)) scope.adts.set(name, info);
  for (const [name, info] of constructors) if (!hidden.has(info.adt)) scope.constructors.set(name, info);
  for (const [name, type] of functions)
    if (!mentionsHidden(type)) scope.globals.set(name, { name, type, definition: undefined, imported: true });
}
