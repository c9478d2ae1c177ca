/** Requests and notifications beyond LSP. Plain data: the client imports this file and nothing else of the server. */

export const requests = {
  /** The lowering stages, in order. No parameters. */
  stages: 'relay/stages',
  /** One document at one stage. */
  lower: 'relay/lower',
  /** What the server knows and how it is doing. No parameters. */
  status: 'relay/status',
} as const;

export const notifications = {
  /** Sent after a document was checked. */
  checked: 'relay/checked',
} as const;

/** Zero-based, as in LSP. */
export interface WirePosition {
  readonly line: number;
  readonly character: number;
}
export interface WireRange {
  readonly start: WirePosition;
  readonly end: WirePosition;
}

export interface StageInfo {
  /** What `relay/lower` and `relay lower --stage` take. */
  readonly name: string;
  readonly title: string;
  readonly summary: string;
}

export interface LowerParams {
  readonly uri: string;
  readonly stage: string;
  /** The parameter file that goes with the program, in base64. The server itself reads no files. */
  readonly params?: string;
}

/** Which lines of a stage's text came from where in the source. */
export interface LineOrigin {
  /** Zero-based line of the stage's text. */
  readonly line: number;
  readonly source: WireRange;
}

export interface LowerResult {
  /** The document's version that was lowered. */
  readonly version: number;
  /** The text of the stage; empty when it could not be reached. */
  readonly text: string;
  /** Language of the text, for highlighting. */
  readonly language: 'relay' | 'c' | 'text';
  readonly origins: readonly LineOrigin[];
  /** Why there is no text. */
  readonly failure?: { readonly message: string; readonly remedy?: string };
}

export interface StatusResult {
  readonly operators: number;
  readonly documents: readonly {
    readonly uri: string;
    readonly version: number;
    readonly lines: number;
  }[];
}

export interface CheckedParams {
  readonly uri: string;
  readonly version: number;
  readonly errors: number;
  readonly warnings: number;
  readonly milliseconds: number;
}

/** Options at the start, beside the settings. */
export interface ServerOptions extends ServerSettings {
  /** `push`: the server sends diagnostics when it has them, also to a client that could ask for them. */
  readonly diagnostics?: 'push';
}

/** Settings that the client hands over at the start and on change (section `relay` of the configuration). */
export interface ServerSettings {
  readonly inlayHints: { readonly types: boolean };
}

export const defaultSettings: ServerSettings = { inlayHints: { types: true } };

/** Settings from untyped configuration: what is missing or of a wrong kind takes its default. */
export function readSettings(value: unknown): ServerSettings {
  const section = isRecord(value) && isRecord(value['inlayHints']) ? value['inlayHints'] : {};
  const types = section['types'];
  return { inlayHints: { types: typeof types === 'boolean' ? types : defaultSettings.inlayHints.types } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
