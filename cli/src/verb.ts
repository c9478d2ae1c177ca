/** A verb of the command line as data: help, usage and parsing all come from the record. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { CommandIO, ExitCode } from './io.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** One-letter form. */
  readonly short?: string;
  /** Shown for the value in help: `FILE`, `N`. */
  readonly value?: string;
  readonly summary: string;
}

export interface ParsedArguments {
  readonly positionals: readonly string[];
  /** Whether the verb has an option of that name. */
  takes(name: string): boolean;
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  /** A whole number option; a failure when it is none or out of range. */
  integer(name: string, range: { readonly min: number; readonly max: number }): Result<number | undefined>;
}

export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** What stands behind the verb's name in the usage line. */
  readonly usage: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly positionals: { readonly min: number; readonly max: number };
  /** Whether Ctrl-C leaves it time to put away children, boards and records; other verbs end at once. */
  readonly stopsInOrder?: boolean;
  run(args: ParsedArguments, io: CommandIO): Promise<ExitCode> | ExitCode;
}

/** Help text of one verb. */
export function usageOf(verb: Verb): string {
  const rows = Object.entries(verb.options).map(([name, o]) => {
    const left = `  ${o.short ? `-${o.short}, ` : ''}--${name}${o.type === 'string' ? ` ${o.value ?? 'VALUE'}` : ''}`;
    return `${left.padEnd(24)} ${o.summary}`;
  });
  return [
    `usage: relay ${verb.name} ${verb.usage}`.trimEnd(),
    '',
    verb.summary,
    ...(rows.length > 0 ? ['', ...rows] : []),
  ].join('\n');
}

/** Parses a verb's arguments; unknown options, missing values and wrong counts are failures. */
export function parseVerb(verb: Verb, argv: readonly string[]): Result<ParsedArguments> {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, o] of Object.entries(verb.options))
    options[name] = { type: o.type, multiple: o.multiple ?? false, ...(o.short ? { short: o.short } : {}) };
  let parsed;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    // The first sentence says what is wrong; what follows is Node's advice about its own ways.
    const message = error instanceof Error ? (error.message.split(/\.\s/)[0] ?? '') : String(error);
    const file = argv.find((arg) => /^-[^-].*\./.test(arg));
    const dashed = file === undefined ? '' : `A file whose name starts with “-” is named ./${file}. `;
    return fail('usage', `${message.replace(/\.$/, '')}.`, `${dashed}See: relay ${verb.name} --help`);
  }
  const { positionals, values } = parsed;
  if (positionals.length < verb.positionals.min || positionals.length > verb.positionals.max) {
    const wanted = `relay ${verb.name} ${verb.usage}`.trimEnd();
    const got = positionals.length === 1 ? '1 argument' : `${positionals.length} arguments`;
    return fail('usage', `Got ${got}, expected: ${wanted}`, `See: relay ${verb.name} --help`);
  }
  const text = (name: string): string | undefined => {
    const v = values[name];
    return typeof v === 'string' ? v : undefined;
  };
  return ok({
    positionals,
    takes: (name) => Object.hasOwn(verb.options, name),
    flag: (name) => values[name] === true,
    text,
    texts: (name) => {
      const v = values[name];
      return Array.isArray(v) ? v.filter((x): x is string => typeof x === 'string') : [];
    },
    integer: (name, range) => {
      const written = text(name);
      if (written === undefined) return ok(undefined);
      const n = /^-?\d+$/.test(written) ? Number(written) : NaN;
      if (!(n >= range.min && n <= range.max))
        return fail('usage', `--${name} takes a whole number from ${range.min} to ${range.max}, not '${written}'.`);
      return ok(n);
    },
  });
}
