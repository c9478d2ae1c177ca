/**
 * Kernels whose C differs in a few integer literals alone (sizes, strides, bounds) become one function with those as
 * parameters. Each call passes the numbers that stood in its own text, so what is computed stays the same.
 */

/** Most parameters that are added to a function; more would cost the calls what the sharing saves. */
const mostSizes = 10;

const literal = /(?<![\w.])\d{1,9}(?![\w.])/g;
const commentOrCode = /\/\*[\s\S]*?\*\/|(?:(?!\/\*)[\s\S])+/g;

/** The text with its literals left out; comments stay as they are. Equal skeletons differ in literals alone. */
export function skeletonOf(text: string): string {
  return mapLiterals(text, () => '#');
}

/** Parameters that make one function of texts with equal skeletons. */
export interface SharedSizes {
  /** C names, none of which occurs in the texts. */
  readonly names: readonly string[];
  /** By text, then by name. */
  readonly values: readonly (readonly number[])[];
  /** The first text with names in the place of the literals that differ. */
  apply(text: string): string;
}

/** The parameters for texts of one skeleton; undefined when there would be too many. */
export function sharedSizes(texts: readonly string[]): SharedSizes | undefined {
  const all = texts.map((text) => {
    const values: number[] = [];
    mapLiterals(text, (value) => {
      values.push(Number(value));
      return value;
    });
    return values;
  });
  const [first = []] = all;
  let stem = 'size';
  while (texts.some((text) => text.includes(`${stem}_`))) stem += '_n';
  // Literals that agree in every text share a parameter.
  const byValues = new Map<string, number>();
  const values: number[][] = texts.map(() => []);
  const places = first.map((value, place) => {
    const row = all.map((list) => list[place] ?? 0);
    if (row.every((v) => v === value)) return undefined;
    const key = row.join(' ');
    const known = byValues.get(key);
    if (known !== undefined) return known;
    byValues.set(key, byValues.size);
    row.forEach((v, i) => values[i]?.push(v));
    return byValues.size - 1;
  });
  if (byValues.size > mostSizes) return undefined;
  return {
    names: Array.from(byValues.values(), (i) => `${stem}_${i}`),
    values,
    apply(text) {
      let place = 0;
      return mapLiterals(text, (value) => {
        const size = places[place++];
        return size === undefined ? value : `${stem}_${size}`;
      });
    },
  };
}

function mapLiterals(text: string, f: (value: string) => string): string {
  return text.replace(commentOrCode, (part) => (part.startsWith('/*') ? part : part.replace(literal, f)));
}
