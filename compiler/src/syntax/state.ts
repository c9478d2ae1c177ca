/** What the parser remembers about a tree, so that an edit need not parse everything again. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Anchor } from '../base/span.ts';
import { foldHabits } from './habits.ts';
import type { MetadataSection, SourceTree, VersionHeader } from './tree.ts';
import type { Unit } from './units.ts';
import { definitionOf } from './units.ts';

/** The text before the first unit: the version header, comments, and whatever does not belong there. */
export interface Preamble {
  readonly anchor: Anchor;
  readonly length: number;
  /** Where the header starts. */
  readonly lead: number;
  readonly version: VersionHeader | undefined;
  readonly errors: readonly Diagnostic[];
}

/** `#[metadata]` and all that follows. */
export interface MetadataPart {
  readonly anchor: Anchor;
  readonly length: number;
  readonly section: MetadataSection;
}

export interface FileState {
  readonly preamble: Preamble;
  readonly units: readonly Unit[];
  readonly metadata: MetadataPart | undefined;
  /** Unknown characters and unterminated comments. */
  readonly lexical: readonly Diagnostic[];
  /** Names such as `input.1` that are declared in the file. */
  readonly dottedNames: ReadonlySet<string>;
  /** Whether a comment or string is open, or characters are unknown, so that an edit may act at a distance. */
  readonly fragile: boolean;
}

const states = new WeakMap<SourceTree, FileState>();

/** The state behind a tree that `parseSource` or `reparse` made. */
export function stateOf(tree: SourceTree): FileState | undefined {
  return states.get(tree);
}

/** Builds the tree of a state: lists of nodes and errors, and where each anchor lies. */
export function buildTree(state: FileState): SourceTree {
  const anchors = new Map<Anchor, number>();
  const errors: Diagnostic[] = [];
  const { preamble, units, metadata } = state;
  anchors.set(preamble.anchor, preamble.lead);
  append(errors, preamble.errors);
  append(errors, foldHabits(state.lexical));
  let at = preamble.length;
  for (const unit of units) {
    anchors.set(unit.anchor, at);
    const own: Diagnostic[] = [...unit.errors];
    if (unit.kind === 'body') {
      let chunkAt = at + unit.bodyStart;
      let returned = false;
      for (const chunk of unit.chunks) {
        anchors.set(chunk.anchor, chunkAt + chunk.lead);
        // What stands behind `return` was meant as the value; no value can be asked for behind a loop.
        const told = returned && chunk.errors[0]?.code === 'missing-result';
        if (chunk.errors.length > 0 && !told) append(own, chunk.errors);
        returned = chunk.errors.some(({ code }) => code === 'return-word' || code === 'foreign-statement');
        chunkAt += chunk.length;
      }
    }
    append(errors, foldHabits(own));
    at += unit.length;
  }
  if (metadata) anchors.set(metadata.anchor, at);
  const only = units[0];
  const tree: SourceTree = {
    version: preamble.version,
    definitions: units.flatMap((unit) => definitionOf(unit) ?? []),
    expression: only?.kind === 'body' && only.header === undefined ? only.block : undefined,
    metadata: metadata?.section,
    errors,
    anchors,
  };
  states.set(tree, state);
  return tree;
}

/** A text with more errors than this is no program, and nobody reads on. */
const maximumErrors = 1000;

function append(errors: Diagnostic[], more: readonly Diagnostic[]): void {
  for (const error of more) {
    if (errors.length >= maximumErrors) return;
    errors.push(error);
  }
}
