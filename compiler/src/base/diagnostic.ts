/** Diagnostics as plain data. Nothing here knows LSP or terminals; `server/` and `cli/` render them. */
import type { Span } from './span.ts';

export type Severity = 'error' | 'warning' | 'information' | 'hint';

/** Another place that explains the diagnostic: where the expected or the found side came from. */
export interface RelatedLocation {
  readonly span: Span;
  readonly message: string;
}

/** A replacement of source text. An empty span inserts. */
export interface TextEdit {
  readonly span: Span;
  readonly newText: string;
}

/** A checked repair that the editor offers as a quick fix. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** True when it is the one obvious repair. */
  readonly preferred?: boolean;
}

export interface Diagnostic {
  /** Stable, kebab-case, listed in the catalogue (`check/catalogue.ts`), for example `shape-mismatch`. */
  readonly code: string;
  readonly severity: Severity;
  readonly span: Span;
  /** What is wrong: what was expected, what was found. One or two sentences, no internal names. */
  readonly message: string;
  /** What to do about it, as an imperative sentence. */
  readonly remedy?: string;
  readonly related?: readonly RelatedLocation[];
  readonly fixes?: readonly Fix[];
  /** A slip that comes from the habit of another notation: those of one function are told together. */
  readonly habit?: boolean;
  /** `unnecessary` fades the text, `deprecated` strikes it through. */
  readonly tags?: readonly ('unnecessary' | 'deprecated')[];
}

/** Collects diagnostics; every analysis takes one instead of throwing. */
export type Report = (diagnostic: Diagnostic) => void;
