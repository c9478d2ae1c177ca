/** Requests and notifications beyond LSP. Plain data: the client imports this file and nothing else of the server. */

export const requests = {
  /** The lowering stages, in order. No parameters. */
  stages: 'relay/stages',
  /** One document at one stage. */
  lower: 'relay/lower',
  /** What compiling a document gives beside text: passes, memory, layers, barriers. */
  build: 'relay/build',
  /** The data flow of a function, with types. */
  graph: 'relay/graph',
  /** A document under other types of its parameters. */
  whatIf: 'relay/whatIf',
  /** What tuning records say to a build. */
  records: 'relay/records',
  /** Whether two documents mean the same. */
  compare: 'relay/compare',
  /** The text of a virtual document: the prelude, or the explanation of a diagnostic. */
  virtualDocument: 'relay/virtualDocument',
  /** What the server knows and how it is doing. No parameters. */
  status: 'relay/status',
} as const;

export const notifications = {
  /** Sent after a document was checked. */
  checked: 'relay/checked',
  /** Sent to the server: report on every file of the workspace from now on, open or not. No parameters. */
  checkFiles: 'relay/checkFiles',
} as const;

/** Scheme of the prelude as a document, and its URI: definitions of its names lead there. */
export const preludeScheme = 'relay-prelude';
export const preludeUri = 'relay-prelude:/prelude.relay';
/** Scheme of explanations, such as `relay-docs:/diagnostics/shape-mismatch.md`, in Markdown. */
export const documentationScheme = 'relay-docs';

export interface VirtualDocumentParams {
  readonly uri: string;
}

export interface VirtualDocumentResult {
  /** Absent when there is no such document. */
  readonly text?: string;
}

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

/** How a program is built: as the command line would for the board, with its records and options. */
export interface BuildSettings {
  /** The parameter file that goes with the program, in base64. The server itself reads no files. */
  readonly params?: string;
  /** A processor that the compiler knows; the board's. */
  readonly target?: string;
  /** The board's RAM; without end when it is left out. */
  readonly memory?: WireMemory;
  /** What `relay/records` answered. */
  readonly records?: string;
  readonly options?: WireOptions;
}

/** RAM that an arena may take a part of. */
export interface WireMemory {
  /** Bytes of each region: the first one also holds data and stack. */
  readonly ram: readonly number[];
  readonly stackBytes: number;
  /** The sizes are no limits: the program is a process of a machine. */
  readonly unlimited: boolean;
}

/** Options of `relay build` that need no linker. */
export interface WireOptions {
  /** Bytes that activations and scratch memory may take at most. */
  readonly arena?: number;
  /** Least code. */
  readonly size?: boolean;
  /** Percent of time that a kilobyte of code has to save. */
  readonly codePrice?: number;
}

export interface RecordsParams {
  /** A file of tuning records. */
  readonly text: string;
  readonly board: string;
  /** Version line of the board's compiler; without it, that of the records that were measured last. */
  readonly compiler?: string;
  readonly cost: 'timer' | 'cycles';
}

export interface RecordsResult {
  /** What a build needs of them, for `BuildSettings.records`; absent when it needs nothing. */
  readonly records?: string;
  /** Lines that are no records, each with its number. */
  readonly notices: readonly string[];
}

export interface LowerParams extends BuildSettings {
  readonly uri: string;
  readonly stage: string;
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
  readonly language: 'relay' | 'c' | 'text' | 'asm';
  readonly origins: readonly LineOrigin[];
  /** Of assembly: which line of the stage `c` a line came from. Both zero-based. */
  readonly c?: readonly { readonly line: number; readonly c: number }[];
  /** Why there is no text. */
  readonly failure?: { readonly message: string; readonly remedy?: string };
}

/** Parameters of `relay/build`. Without `text` the document must be open. */
export interface BuildParams extends BuildSettings {
  readonly uri: string;
  /** The program, when it is not an open document. */
  readonly text?: string;
}

/** A pass that ran; `changes` is empty when it changed nothing. */
export interface PassInfo {
  readonly name: string;
  readonly summary: string;
  readonly changes: readonly { readonly label: string; readonly count: number }[];
  readonly notes: readonly { readonly message: string; readonly source: readonly WireRange[] }[];
  /** Stages, for `relay/lower`, with the module before and after this pass. */
  readonly before: string;
  readonly after: string;
}

/** A tensor in memory while a kernel runs. */
export interface AliveTensor {
  readonly name: string;
  readonly kind: 'input' | 'output' | 'activation' | 'window' | 'scratch';
  readonly bytes: number;
  readonly source: readonly WireRange[];
}

/** A tensor's place in the arena, and the kernels that it lives for. */
export interface BufferInfo extends AliveTensor {
  /** Bytes from the start of the arena. */
  readonly offset: number;
  /** Indices in `layers`, both included. */
  readonly first: number;
  readonly last: number;
}

/** A kernel, in the order of execution. */
export interface LayerInfo {
  readonly name: string;
  readonly description: string;
  /** Key of the tuning task. */
  readonly task: string;
  /** Whether its schedule is from tuning records. */
  readonly tuned: boolean;
  readonly macs: number;
  readonly constantBytes: number;
  /** Bytes of the arena in use while it runs. */
  readonly aliveBytes: number;
  readonly alive: readonly AliveTensor[];
  /** The operator calls that it computes. */
  readonly source: readonly WireRange[];
}

export interface BarrierInfo {
  readonly message: string;
  readonly producer: string;
  readonly consumer: string;
  readonly source: readonly WireRange[];
}

export interface BuildResult {
  readonly version: number;
  readonly target: string;
  /** Passes in the order they ran. */
  readonly passes: readonly PassInfo[];
  readonly layers: readonly LayerInfo[];
  readonly barriers: readonly BarrierInfo[];
  /** Everything that lies in the arena. */
  readonly buffers: readonly BufferInfo[];
  readonly macs: number;
  readonly arenaBytes: number;
  readonly constantBytes: number;
  /** Index in `layers` where memory is tightest. */
  readonly peakLayer: number;
  /** What lives there, largest first. */
  readonly peak: readonly AliveTensor[];
  /** About tuning records that do not apply. */
  readonly notice?: string;
  readonly failure?: { readonly message: string; readonly remedy?: string };
}

export interface GraphParams {
  readonly uri: string;
  /** A place in the function; the first function without it. */
  readonly position?: WirePosition;
}

export interface GraphNode {
  readonly id: string;
  readonly kind: 'parameter' | 'operator' | 'call' | 'constant' | 'other' | 'result';
  /** The operator, function or parameter. */
  readonly title: string;
  /** The binding's name; empty for an expression without one. */
  readonly binding: string;
  readonly type: string;
  readonly source: WireRange;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** The shape that flows. */
  readonly label: string;
}

export interface GraphResult {
  readonly version: number;
  /** `@main`. */
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Nodes beyond what a picture can show. */
  readonly leftOut: number;
}

export interface WhatIfParams extends BuildSettings {
  readonly uri: string;
  /** Function without `@`, its parameter without `%`, and the type to assume. */
  readonly function: string;
  readonly parameter: string;
  readonly type: string;
}

/** Two programs, as their editors or files hold them. */
export interface CompareParams {
  readonly uri: string;
  readonly version: number;
  readonly text: string;
  readonly other: { readonly uri: string; readonly text: string };
}

export interface CompareResult {
  /** Version of the first document. */
  readonly version: number;
  readonly verdict: 'identical' | 'same' | 'same-real' | 'agree' | 'differ' | 'unlike' | 'unknown';
  /** The verdict in a sentence. */
  readonly headline: string;
  /** 0 (proved equal) to 1 (nothing in common). */
  readonly distance: number;
  /** The normal forms; empty where there are none. */
  readonly left: string;
  readonly right: string;
}

/** A binding whose type differs. */
export interface ChangedType {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  readonly source: WireRange;
}

export interface WhatIfResult {
  readonly version: number;
  /** The program with the substituted type. */
  readonly text: string;
  readonly changed: readonly ChangedType[];
  readonly errors: readonly { readonly message: string; readonly line: number }[];
  /** Compiled as it is, and as it would be; undefined when it was not compiled. */
  readonly before: Footprint | undefined;
  readonly after: Footprint | undefined;
  readonly failure?: { readonly message: string; readonly remedy?: string };
}

export interface Footprint {
  readonly macs: number;
  readonly arenaBytes: number;
  readonly constantBytes: number;
  /** Why there are no numbers. */
  readonly failure?: string;
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
  /** The server sends diagnostics when it has them, also to a client that could ask for them. */
  readonly pushDiagnostics?: boolean;
}

/** Settings that the client hands over at the start and on change (section `relay` of the configuration). */
export interface ServerSettings {
  readonly inlayHints: {
    /** Types of bindings and of parameters without annotation. */
    readonly types: boolean;
    /** Of tensors only the shape. */
    readonly shapesOnly: boolean;
    /** Names of parameters at calls. */
    readonly parameterNames: boolean;
    /** What every element of a quantised tensor is at least and at most. */
    readonly valueRanges: boolean;
  };
  readonly valueRanges: {
    /** Report accumulators that may overflow, saturation, dead clips and scales that lose all precision. */
    readonly diagnostics: boolean;
  };
  readonly diagnostics: {
    /** Report on every program of the workspace, not only on those that are open. */
    readonly workspace: boolean;
  };
}

export const defaultSettings: ServerSettings = {
  inlayHints: { types: true, shapesOnly: false, parameterNames: false, valueRanges: false },
  valueRanges: { diagnostics: true },
  diagnostics: { workspace: false },
};

/** Settings from untyped configuration: what is missing or of a wrong kind takes its default. */
export function readSettings(value: unknown): ServerSettings {
  const flags = <K extends keyof ServerSettings>(section: K): ServerSettings[K] => {
    const given = isRecord(value) && isRecord(value[section]) ? value[section] : {};
    const entries = Object.entries(defaultSettings[section]).map(([name, fallback]) => {
      const flag = given[name];
      return [name, typeof flag === 'boolean' ? flag : fallback];
    });
    return Object.fromEntries(entries) as ServerSettings[K];
  };
  return {
    inlayHints: flags('inlayHints'),
    valueRanges: flags('valueRanges'),
    diagnostics: flags('diagnostics'),
  };
}

/** A program's name in C: the document's without folder and extension, as an identifier. */
export function nameInC(uri: string): string {
  const stem = decodeURIComponent(uri.split('/').at(-1) ?? '').replace(/\.[^.]*$/, '');
  const name = stem.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[A-Za-z]/.test(name) ? name : `model_${name}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
