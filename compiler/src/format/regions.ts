/** The stretches of a file that are formatted on their own. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { TextRange } from '../base/span.ts';
import { stateOf } from '../syntax/state.ts';
import type { FileState } from '../syntax/state.ts';
import type { SourceTree } from '../syntax/tree.ts';
import type { Unit } from '../syntax/units.ts';

export interface Region extends TextRange {
  /**
   * `top`: what stands before the first definition. `signature`: a function up to its `{`. `statement`: one binding,
   * or a result. `closing`: a function's `}`. `definition`: a type or an import. `rest`: comments and the metadata.
   */
  readonly kind: 'top' | 'signature' | 'statement' | 'closing' | 'definition' | 'rest';
  /** In a function's body, not in an expression file. */
  readonly indented: boolean;
  /** Whether its text has errors, and stays as it is. */
  readonly broken: boolean;
}

const known = new WeakMap<SourceTree, readonly Region[]>();

/** Regions of the whole file, in order and without holes: each owns the comments before its first token. */
export function regionsOf(tree: SourceTree): readonly Region[] {
  const found = known.get(tree) ?? findRegions(tree);
  known.set(tree, found);
  return found;
}

function findRegions(tree: SourceTree): readonly Region[] {
  const state = stateOf(tree);
  if (state === undefined) return [];
  const regions: Region[] = [];
  const lexical = lexicalPlaces(state, tree);
  let at = 0;
  const push = (kind: Region['kind'], length: number, broken: boolean, indented = false): void => {
    const end = at + length;
    const dirty = broken || lexical.some((place) => place.start < end && place.end > at);
    if (length > 0) regions.push({ kind, start: at, end, broken: dirty, indented });
    at = end;
  };
  push('top', state.preamble.length, hasErrors(state.preamble.errors, ['missing-version']));
  for (const unit of state.units) pushUnit(unit, push);
  push('rest', state.metadata?.length ?? 0, false);
  return regions;
}

function pushUnit(
  unit: Unit,
  push: (kind: Region['kind'], length: number, broken: boolean, indented?: boolean) => void,
) {
  if (unit.kind === 'simple') {
    push('definition', unit.length, hasErrors(unit.errors) || unit.repaired !== 'no');
    return;
  }
  const { header, chunks, bodyStart, closing } = unit;
  const lost = unit.bodyErrors || unit.repaired === 'across';
  if (lost) {
    push('definition', unit.length, true);
    return;
  }
  const inFunction = header !== undefined;
  if (inFunction) push('signature', bodyStart, hasErrors(unit.errors));
  let used = bodyStart;
  for (const chunk of chunks) {
    push('statement', chunk.length, chunk.repaired || hasErrors(chunk.errors), inFunction);
    used += chunk.length;
  }
  if (inFunction) push('closing', closing, false);
  push('rest', unit.length - used - (inFunction ? closing : 0), false);
}

function hasErrors(errors: readonly Diagnostic[], harmless: readonly string[] = []): boolean {
  return errors.some((error) => error.severity === 'error' && !harmless.includes(error.code));
}

/** Where unknown characters and open comments stand. */
function lexicalPlaces(state: FileState, tree: SourceTree): TextRange[] {
  return state.lexical.map(({ span }) => {
    const base = tree.anchors.get(span.anchor) ?? 0;
    return { start: base + span.start, end: base + span.end };
  });
}
