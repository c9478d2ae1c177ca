/** C identifiers from arbitrary text. */

const reserved = new Set(
  (
    'auto break case char const continue default do double else enum extern float for goto if inline int long register ' +
    'restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false ' +
    'asm typeof main memcpy memset errno INFINITY NAN NULL y0 y1 yn j0 j1 jn gamma signgam'
  ).split(' '),
);

/** A C identifier made of `text`: ASCII letters, digits and `_` are kept, all else becomes `_`. */
export function identifier(text: string, fallback = 'x'): string {
  let name = text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '');
  if (name === '') name = fallback;
  if (/^[0-9]/.test(name)) name = `${fallback}${name}`;
  if (reserved.has(name) || /^rl_/i.test(name)) name += '_';
  return name.slice(0, 60);
}

/** Text that cannot end or nest a C comment. */
export function commentText(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/g, (c) => ({ '→': '->', '×': 'x', '–': '-', '≥': '>=', '≤': '<=' })[c] ?? ' ')
    .replace(/\*\//g, '* /')
    .replace(/\/\*/g, '/ *')
    .replace(/\\$/, '\\ ');
}

/** Gives each object a name of its own within one scope. */
export class Names {
  private readonly taken = new Set<string>();
  private readonly given = new Map<object, string>();

  /** Claims a name close to `wanted`. */
  fresh(wanted: string, fallback = 'x'): string {
    const stem = identifier(wanted, fallback);
    let name = stem;
    for (let i = 2; this.taken.has(name); i++) name = `${stem}_${i}`;
    this.taken.add(name);
    return name;
  }
  /** The object's name, claimed on first use. */
  of(key: object, wanted: string, fallback = 'x'): string {
    let name = this.given.get(key);
    if (name === undefined) {
      name = this.fresh(wanted, fallback);
      this.given.set(key, name);
    }
    return name;
  }
}
