/** The standard prelude's functions with their bodies, for evaluation; the checker knows their types. */
import { check } from '../check/check.ts';
import { parseSource } from '../syntax/parser.ts';
import { elaborate } from './elaborate.ts';
import type { IRModule } from './expr.ts';

/** The prelude as a program. */
export const preludeText = `#[version = "0.0.5"]
type List[A] { Cons(A, List[A]), Nil }
type Option[A] { Some(A), None }
type Tree[A] { Rose(A, List[Tree[A]]) }
def @id[A](%x: A) -> A { %x }
def @compose[A, B, C](%f: fn (B) -> C, %g: fn (A) -> B) -> fn (A) -> C { fn (%x: A) -> C { %f(%g(%x)) } }
def @flip[A, B, C](%f: fn (A, B) -> C) -> fn (B, A) -> C { fn (%b: B, %a: A) -> C { %f(%a, %b) } }
def @hd[A](%xs: List[A]) -> A { match? (%xs) { Cons(%x, _) => { %x } } }
def @tl[A](%xs: List[A]) -> List[A] { match? (%xs) { Cons(_, %rest) => { %rest } } }
def @nth[A](%xs: List[A], %n: int32) -> A { if (%n == 0) { @hd(%xs) } else { @nth(@tl(%xs), %n - 1) } }
def @foldl[A, B](%f: fn (A, B) -> A, %z: A, %xs: List[B]) -> A {
  match (%xs) { Cons(%x, %rest) => { @foldl(%f, %f(%z, %x), %rest) }, Nil => { %z } }
}
def @foldr[A, B](%f: fn (A, B) -> B, %z: B, %xs: List[A]) -> B {
  match (%xs) { Cons(%x, %rest) => { %f(%x, @foldr(%f, %z, %rest)) }, Nil => { %z } }
}
def @foldr1[A](%f: fn (A, A) -> A, %xs: List[A]) -> A {
  match? (%xs) { Cons(%x, Nil) => { %x }, Cons(%x, %rest) => { %f(%x, @foldr1(%f, %rest)) } }
}
def @length[A](%xs: List[A]) -> int32 { @foldl(fn (%n: int32, %x: A) -> int32 { %n + 1 }, 0, %xs) }
def @sum(%xs: List[int32]) -> int32 { @foldl(fn (%a: int32, %b: int32) -> int32 { %a + %b }, 0, %xs) }
def @update[A](%xs: List[A], %n: int32, %x: A) -> List[A] {
  if (%n == 0) { Cons(%x, @tl(%xs)) } else { Cons(@hd(%xs), @update(@tl(%xs), %n - 1, %x)) }
}
def @map[A, B](%f: fn (A) -> B, %xs: List[A]) -> List[B] {
  match (%xs) { Cons(%x, %rest) => { Cons(%f(%x), @map(%f, %rest)) }, Nil => { Nil } }
}
def @concat[A](%xs: List[A], %ys: List[A]) -> List[A] {
  @foldr(fn (%x: A, %rest: List[A]) -> List[A] { Cons(%x, %rest) }, %ys, %xs)
}
def @filter[A](%f: fn (A) -> bool, %xs: List[A]) -> List[A] {
  match (%xs) {
    Cons(%x, %rest) => { if (%f(%x)) { Cons(%x, @filter(%f, %rest)) } else { @filter(%f, %rest) } },
    Nil => { Nil }
  }
}
def @zip[A, B](%xs: List[A], %ys: List[B]) -> List[(A, B)] {
  match ((%xs, %ys)) { (Cons(%x, %more), Cons(%y, %rest)) => { Cons((%x, %y), @zip(%more, %rest)) }, _ => { Nil } }
}
def @rev[A](%xs: List[A]) -> List[A] {
  @foldl(fn (%done: List[A], %x: A) -> List[A] { Cons(%x, %done) }, Nil, %xs)
}
def @map_accumr[A, B, C](%f: fn (A, B) -> (A, C), %z: A, %xs: List[B]) -> (A, List[C]) {
  @foldr(fn (%x: B, %state: (A, List[C])) -> (A, List[C]) {
    let %next = %f(%state.0, %x);
    (%next.0, Cons(%next.1, %state.1))
  }, (%z, Nil), %xs)
}
def @map_accuml[A, B, C](%f: fn (A, B) -> (A, C), %z: A, %xs: List[B]) -> (A, List[C]) {
  @foldl(fn (%state: (A, List[C]), %x: B) -> (A, List[C]) {
    let %next = %f(%state.0, %x);
    (%next.0, Cons(%next.1, %state.1))
  }, (%z, Nil), %xs)
}
def @unfoldr[A, B](%f: fn (A) -> Option[(A, B)], %z: A) -> List[B] {
  match (%f(%z)) { Some(%p) => { Cons(%p.1, @unfoldr(%f, %p.0)) }, None => { Nil } }
}
def @unfoldl[A, B](%f: fn (A) -> Option[(A, B)], %z: A) -> List[B] { @rev(@unfoldr(%f, %z)) }
def @tmap[A, B](%f: fn (A) -> B, %t: Tree[A]) -> Tree[B] {
  match (%t) { Rose(%x, %kids) => { Rose(%f(%x), @map(fn (%kid: Tree[A]) -> Tree[B] { @tmap(%f, %kid) }, %kids)) } }
}
def @size[A](%t: Tree[A]) -> int32 {
  match (%t) { Rose(_, %kids) => { 1 + @sum(@map(fn (%kid: Tree[A]) -> int32 { @size(%kid) }, %kids)) } }
}
def @iterate[A](%f: fn (A) -> A, %n: int32) -> fn (A) -> A {
  if (%n == 0) { fn (%x: A) -> A { %x } } else { @compose(%f, @iterate(%f, %n - 1)) }
}
`;

let loaded: IRModule | undefined;

/** The prelude as a module; elaborated at first use, since it never changes. */
export function preludeModule(): IRModule {
  if (loaded !== undefined) return loaded;
  const module = elaborate(check(parseSource(preludeText), { prelude: false }));
  if (!module.ok) throw new Error(`the prelude does not elaborate: ${module.error.message}`);
  loaded = module.value;
  return loaded;
}
