/** Do two programs mean the same, and if not, how far apart are they and where do they part? */
import { neverCancelled } from '../base/cancellation.ts';
import type { CancellationToken } from '../base/cancellation.ts';
import { fail, ok } from '../base/result.ts';
import type { Failure, Result } from '../base/result.ts';
import { structurallyEqual } from '../ir/equal.ts';
import type { Expr, Func, IRModule, Origin } from '../ir/expr.ts';
import { childrenOf, postOrder, useCounts } from '../ir/visit.ts';
import { printType } from '../types/print.ts';
import { compareBehaviour } from './behaviour.ts';
import type { Behaviour, Entry, Pairing } from './behaviour.ts';
import { embed, embeddingDistance } from './embedding.ts';
import type { Embedding } from './embedding.ts';
import { identify, Numbering } from './identity.ts';
import type { Identity } from './identity.ts';
import { sameMeaning } from './meaning.ts';
import { normalForm } from './normal-form.ts';
import type { Arithmetic, NormalForm } from './normal-form.ts';

/**
 * What is known about two programs, strongest first:
 * `identical`: one text up to names of variables; `same`: proved equal for every input by exact rules; `same-real`:
 * proved equal over the real numbers, so floats may round otherwise; `agree`: no proof, but equal on all inputs that
 * were tried; `differ`: an input shows the difference; `unlike`: they take or give other types; `unknown`: neither a
 * proof nor a run was possible.
 */
export type Verdict = 'identical' | 'same' | 'same-real' | 'agree' | 'differ' | 'unlike' | 'unknown';

/** A place where the normal form of one program has something that the other has not. */
export interface Departure {
  /** Operator or kind, with its result type. */
  readonly what: string;
  readonly origin: Origin;
}

export interface Comparison {
  readonly verdict: Verdict;
  /** Distance of the embeddings, 0 … 1; 0 for programs that are proved equal. */
  readonly distance: number;
  /** Outcome on inputs, where they were run. */
  readonly behaviour?: Behaviour;
  /** Why they are `unlike` or `unknown`. */
  readonly reason?: Failure;
  /** Where the two part: calls whose operands both programs share, in program order. Empty when proved equal. */
  readonly onlyLeft: readonly Departure[];
  readonly onlyRight: readonly Departure[];
}

export interface CompareOptions {
  /** Inputs to try where there is no proof; 0 for none. Default 4. */
  readonly samples?: number;
  readonly seed?: number;
  readonly token?: CancellationToken;
}

/** Compares function `leftName` of one module with `rightName` of another. */
export function compareFunctions(
  left: { readonly module: IRModule; readonly name: string },
  right: { readonly module: IRModule; readonly name: string },
  options: CompareOptions = {},
): Result<Comparison> {
  const token = options.token ?? neverCancelled;
  const a = entryOf(left);
  if (!a.ok) return a;
  const b = entryOf(right);
  if (!b.ok) return b;
  const pairing = pairParameters(a.value.func, b.value.func);
  const arranged = pairing.ok ? { ...b.value, func: withParameters(b.value.func, pairing.value) } : b.value;

  const exact = [formOf(a.value, 'exact', token), formOf(arranged, 'exact', token)] as const;
  const distance = embeddingDistance(embeddingOf(exact[0]), embeddingOf(exact[1]));
  const numbering = new Numbering();
  const ids = exact.map((form) => identify(form.module, form.entry, 'exact', numbering));
  const [x, y] = ids as [Identity, Identity];
  const onlyLeft = departures(exact[0].entry, x, y);
  const onlyRight = departures(exact[1].entry, y, x);
  const found = (verdict: Verdict, rest: Partial<Comparison> = {}): Result<Comparison> =>
    ok({ verdict, distance, onlyLeft, onlyRight, ...rest });
  const proved = { distance: 0, onlyLeft: [], onlyRight: [] } as const;

  if (!pairing.ok) return found('unlike', { reason: pairing.error });
  if (x.program === y.program) {
    const written = a.value.module.functions.size === 1 && structurallyEqual(a.value.func, arranged.func);
    return found(written ? 'identical' : 'same', proved);
  }
  if (provedByMeaning(exact[0].entry, exact[1].entry, false)) return found('same', proved);
  const real = [formOf(a.value, 'real', token), formOf(arranged, 'real', token)] as const;
  const overReals = new Numbering();
  const [p, q] = real.map((form) => identify(form.module, form.entry, 'real', overReals).program);
  if (p === q || provedByMeaning(real[0].entry, real[1].entry, true)) return found('same-real', proved);
  const samples = options.samples ?? 4;
  if (samples === 0)
    return found('unknown', {
      reason: { code: 'not-run', message: 'No proof was found, and no inputs were tried.' },
    });
  const behaviour = compareBehaviour(a.value, b.value, pairing.value, { samples, seed: options.seed ?? 1, token });
  if (!behaviour.ok) return found('unknown', { reason: behaviour.error });
  return found(behaviour.value.kind === 'agree' ? 'agree' : 'differ', { behaviour: behaviour.value });
}

/** First with every reduction seen through, where that stays small; then stage by stage. */
function provedByMeaning(a: Func, b: Func, real: boolean): boolean {
  return (
    sameMeaning(a, b, { real, whole: true, limit: 40_000 }) || sameMeaning(a, b, { real, whole: false, limit: 400_000 })
  );
}

function entryOf(side: { readonly module: IRModule; readonly name: string }): Result<Entry> {
  const func = side.module.functions.get(side.name);
  if (func !== undefined) return ok({ ...side, func });
  const names = [...side.module.functions.keys()].map((n) => `@${n}`).join(', ') || 'none';
  return fail('no-function', `There is no function @${side.name}.`, `Name one of: ${names}.`);
}

/** Parameters correspond by name where the names are the same set, else by position; their types must agree. */
function pairParameters(a: Func, b: Func): Result<Pairing> {
  if (a.params.length !== b.params.length)
    return fail('other-parameters', `One takes ${a.params.length} parameter(s), the other ${b.params.length}.`);
  const byName = a.params.map((p) => b.params.findIndex((q) => q.name === p.name));
  const pairing = new Set(byName).size === byName.length && !byName.includes(-1) ? byName : a.params.map((_, i) => i);
  for (const [i, p] of a.params.entries()) {
    const q = b.params[pairing[i] ?? i];
    if (q !== undefined && printType(p.type) !== printType(q.type))
      return fail('other-parameters', `%${p.name} is ${printType(p.type)} in one, ${printType(q.type)} in the other.`);
  }
  const [x, y] = [printType(a.type.ret), printType(b.type.ret)];
  return x === y ? ok(pairing) : fail('other-result', `One returns ${x}, the other ${y}.`);
}

function withParameters(func: Func, pairing: Pairing): Func {
  return { ...func, params: pairing.map((j) => func.params[j] as Func['params'][number]) };
}

function formOf(entry: Entry, arithmetic: Arithmetic, token: CancellationToken): NormalForm {
  const functions = new Map(entry.module.functions).set(entry.name, entry.func);
  const form = normalForm({ ...entry.module, functions }, entry.name, arithmetic, token);
  // The entry was found before, and passes keep functions that are reachable from it.
  return form ?? { module: entry.module, entry: entry.func };
}

/** The embedding of a function's normal form, for distances among many programs. */
export function embeddingOfFunction(
  module: IRModule,
  name: string,
  token: CancellationToken = neverCancelled,
): Result<Embedding> {
  const entry = entryOf({ module, name });
  return entry.ok ? ok(embeddingOf(formOf(entry.value, 'exact', token))) : entry;
}

function embeddingOf(form: NormalForm): Embedding {
  return embed(reachable(form));
}

/** The entry and the functions that it still calls. */
function reachable(form: NormalForm): readonly Func[] {
  const found = new Set<Func>([form.entry]);
  for (const func of found)
    for (const e of postOrder(func.body)) {
      const callee = e.kind === 'global' ? form.module.functions.get(e.name) : undefined;
      if (callee !== undefined) found.add(callee);
    }
  return [...found];
}

/** Expressions of one program that the other lacks although it has all their operands: where the difference begins. */
function departures(func: Func, own: Identity, other: Identity): readonly Departure[] {
  const shared = new Set(other.numbers.values());
  const has = (e: Expr): boolean => shared.has(own.numbers.get(e) ?? -1);
  const uses = useCounts(func.body);
  return postOrder(func.body)
    .filter((e) => uses.has(e) && !has(e) && isShown(e) && childrenOf(e).every((c) => has(c) || !isShown(c)))
    .map((e) => ({ what: describe(e), origin: e.origin }));
}

function isShown(e: Expr): boolean {
  return e.kind !== 'op' && e.kind !== 'global' && e.kind !== 'constructor';
}

function describe(e: Expr): string {
  const type = printType(e.type);
  if (e.kind === 'call' && (e.callee.kind === 'op' || e.callee.kind === 'constructor'))
    return `${e.callee.name}: ${type}`;
  if (e.kind === 'var') return `%${e.name}: ${type}`;
  return `${e.kind}: ${type}`;
}
