/** What a tune and a deploy told, brought into the one form that the result view shows. */
import { booleanAt, isObject, listAt, numberAt, objectAt, textAt, type JsonObject } from './values.ts';

/** A number with what it counts and where it came from. */
export interface Figure {
  readonly value: number;
  /** `instructions`, `cycles`, `nanoseconds`, `bytes`. */
  readonly unit: string;
  /** `measured`, `emulated`, `estimated`; empty when the engine did not say. */
  readonly provenance: string;
}

export interface LayerRow {
  readonly name: string;
  /** What the layer computes, in words; empty when the engine did not say. */
  readonly description: string;
  readonly before: Figure | undefined;
  readonly after: Figure | undefined;
}

export interface MemoryFigure {
  readonly name: 'RAM' | 'Flash';
  readonly used: Figure;
  readonly available: number | undefined;
}

export interface TuneResult {
  readonly model: string;
  readonly board: string;
  readonly layers: readonly LayerRow[];
  readonly total: { readonly before: Figure | undefined; readonly after: Figure | undefined };
  readonly memory: readonly MemoryFigure[];
  /** Whether the board's output equals the reference; undefined when it was not compared. */
  readonly matches: boolean | undefined;
  readonly trials: number | undefined;
  readonly seconds: number | undefined;
  /** True when the search was stopped before its end. */
  readonly stopped: boolean;
  readonly notes: readonly string[];
}

/** Brings the summaries of `relay tune --json` and `relay deploy --json` together. */
export function readResult(
  about: { readonly model: string; readonly board: string; readonly stopped: boolean },
  tune: JsonObject | undefined,
  deploy: JsonObject | undefined,
): TuneResult {
  const unit = textAt(tune, 'unit') ?? textAt(deploy, 'unit') ?? 'instructions';
  const provenance = textAt(tune, 'provenance') ?? textAt(deploy, 'provenance') ?? '';
  const defaults = { unit, provenance };
  const layers = firstList(tune, ['layers', 'kernels', 'tasks']).flatMap((entry) => readLayer(entry, defaults));
  const total = objectAt(tune, 'total');
  const tuned = figure(total?.['after'] ?? tune?.['after'], defaults);
  const instructions = { unit: 'instructions', provenance: textAt(deploy, 'provenance') ?? provenance };
  const runs = [
    figure(deploy?.['instructions'], instructions),
    figure(deploy?.['total'], defaults),
    figure(deploy?.['cycleModel'], defaults),
  ].filter((run) => run !== undefined);
  // The two runs compare only in the unit that was tuned for.
  const deployed = runs.find((run) => run.unit === unit) ?? (tuned ? undefined : runs[0]);
  return {
    model: about.model,
    board: textAt(deploy, 'board') ?? textAt(tune, 'board') ?? about.board,
    layers,
    total: {
      before: figure(total?.['before'] ?? tune?.['before'], defaults) ?? sum(layers.map((layer) => layer.before)),
      after: deployed ?? tuned ?? sum(layers.map((l) => l.after)),
    },
    memory: [...memory('RAM', deploy, tune), ...memory('Flash', deploy, tune)],
    matches: booleanAt(deploy, 'matches') ?? booleanAt(tune, 'matches'),
    trials: numberAt(tune, 'trials'),
    seconds: numberAt(tune, 'seconds'),
    stopped: about.stopped,
    notes: [...notesOf(tune), ...notesOf(deploy)],
  };
}

/** What the user should know beside the numbers: why a search ended early, in what an output differs, made-up inputs. */
function notesOf(source: JsonObject | undefined): string[] {
  const failure = objectAt(source, 'failure');
  const stopped = textAt(failure, 'message');
  const difference = textAt(source, 'difference');
  const random = listAt(source, 'randomInputs').filter((name): name is string => typeof name === 'string');
  return [
    ...(stopped === undefined
      ? []
      : [`The search ended early: ${stopped} ${textAt(failure, 'remedy') ?? ''}`.trimEnd()]),
    ...(difference === undefined ? [] : [`The output differs: ${difference}`]),
    ...(random.length === 0 ? [] : [`Compared on random values for ${random.map((name) => `%${name}`).join(', ')}.`]),
  ];
}

function firstList(object: JsonObject | undefined, keys: readonly string[]): readonly unknown[] {
  for (const key of keys) {
    const list = listAt(object, key);
    if (list.length > 0) return list;
  }
  return [];
}

type Defaults = Pick<Figure, 'unit' | 'provenance'>;

/** A figure from a bare number or from `{value, unit, provenance}`. */
function figure(value: unknown, defaults: Defaults): Figure | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? { value, ...defaults } : undefined;
  if (!isObject(value)) return undefined;
  const number = numberAt(value, 'value');
  if (number === undefined) return undefined;
  return {
    value: number,
    unit: textAt(value, 'unit') ?? defaults.unit,
    provenance: textAt(value, 'provenance') ?? defaults.provenance,
  };
}

function readLayer(entry: unknown, defaults: Defaults): LayerRow[] {
  if (!isObject(entry)) return [];
  const name = textAt(entry, 'name') ?? textAt(entry, 'task') ?? textAt(entry, 'kernel');
  if (!name) return [];
  const description = textAt(entry, 'description') ?? '';
  return [{ name, description, before: figure(entry['before'], defaults), after: figure(entry['after'], defaults) }];
}

/** The sum of figures of one unit; undefined when one is missing. */
function sum(figures: readonly (Figure | undefined)[]): Figure | undefined {
  const known = figures.filter((f): f is Figure => f !== undefined);
  const first = known[0];
  if (!first || known.length < figures.length || known.some((f) => f.unit !== first.unit)) return undefined;
  return { ...first, value: known.reduce((total, f) => total + f.value, 0) };
}

function memory(name: MemoryFigure['name'], ...sources: readonly (JsonObject | undefined)[]): MemoryFigure[] {
  const key = name.toLowerCase();
  for (const source of sources) {
    const place = source?.[key] ?? objectAt(source, 'memory')?.[key];
    const size = { unit: 'bytes', provenance: 'linked' };
    const bare = figure(place, size);
    if (bare) return [{ name, used: bare, available: isObject(place) ? numberAt(place, 'available') : undefined }];
    if (!isObject(place)) continue;
    const used = figure(place['used'] ?? place['bytes'] ?? place['total'], size);
    if (used) return [{ name, used, available: numberAt(place, 'available') ?? numberAt(place, 'size') }];
  }
  return [];
}

/** `2.31×`; undefined when a side is missing or counts something else. */
export function speedUp(before: Figure | undefined, after: Figure | undefined): number | undefined {
  if (!before || !after || before.unit !== after.unit || after.value <= 0) return undefined;
  return before.value / after.value;
}
