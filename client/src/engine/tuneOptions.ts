/** What a tuning run and the build after it are asked for: settings, and what a caller of the command says instead. */

/** Options of the build: of the tuned program, and of its previews. */
export interface BuildOptions {
  /** What kernels are compared by: the board's timer, or modelled cycles. */
  readonly cost: 'timer' | 'cycles';
  /** Percent of time that a kilobyte of code has to save; undefined: the engine's default. */
  readonly codePrice: number | undefined;
  /** Bytes of code and constants; 0: no limit. */
  readonly flash: number;
  /** Bytes of activations and scratch memory; 0: no limit. */
  readonly arena: number;
  /** Least code. */
  readonly size: boolean;
}

export interface TuneOptions extends BuildOptions {
  readonly trials: number;
  /** 0: no limit. */
  readonly seconds: number;
}

export const defaultTuneOptions: TuneOptions = {
  trials: 64,
  seconds: 0,
  cost: 'timer',
  codePrice: undefined,
  flash: 0,
  arena: 0,
  size: false,
};

type Check = (value: unknown) => boolean;
const whole =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && Number(value) >= least;

/** What each option may be, and how that is said. */
const checks: Readonly<Record<keyof TuneOptions, { readonly fits: Check; readonly is: string }>> = {
  trials: { fits: whole(1), is: 'a whole number from 1' },
  seconds: { fits: whole(0), is: 'a whole number from 0' },
  cost: { fits: (value) => value === 'timer' || value === 'cycles', is: '"timer" or "cycles"' },
  codePrice: {
    fits: (value) => typeof value === 'number' && value >= 0 && value <= 100,
    is: 'a number of percent from 0 to 100',
  },
  flash: { fits: whole(0), is: 'a whole number of bytes' },
  arena: { fits: whole(0), is: 'a whole number of bytes' },
  size: { fits: (value) => typeof value === 'boolean', is: 'true or false' },
};

const names = Object.keys(checks) as (keyof TuneOptions)[];

/** Options from settings: what is missing or of a wrong kind takes its default. */
export function tuneOptionsFrom(setting: (name: string) => unknown): TuneOptions {
  const given = names.flatMap((name) => {
    const value = setting(name);
    return checks[name].fits(value) ? [[name, value] as const] : [];
  });
  return { ...defaultTuneOptions, ...(Object.fromEntries(given) as Partial<TuneOptions>) };
}

/** What a caller of the command may decide instead of the user. */
export type TuneArgument = Partial<TuneOptions> & { readonly board?: string };

/** Whether an object names an option. */
export function isTuneArgument(value: object): boolean {
  return Object.keys(value).some((name) => name === 'board' || isName(name));
}

/** The argument of a caller (a key binding, another extension), or what is wrong with it. */
export function readTuneArgument(value: object): TuneArgument | { readonly problem: string } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  for (const [name, one] of entries) {
    if (name === 'board' ? typeof one === 'string' : isName(name) && checks[name].fits(one)) continue;
    const known = ['board', ...names].join(', ');
    const problem =
      name === 'board'
        ? '`board` is the name of a board.'
        : isName(name)
          ? `\`${name}\` is ${checks[name].is}.`
          : `There is no option \`${name}\`; there are ${known}.`;
    return { problem };
  }
  return Object.fromEntries(entries) as TuneArgument;
}

function isName(name: string): name is keyof TuneOptions {
  return Object.hasOwn(checks, name);
}
