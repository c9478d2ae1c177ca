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

/** Gives each object a name of its own; scopes inside may use those again that a scope beside them had. */
export class Names {
  private readonly taken = new Set<string>();
  private readonly given = new Map<object, string>();
  /** What the open scopes claimed, the innermost last. */
  private readonly scopes: object[][] = [];

  /** Claims a name close to `wanted`. */
  fresh(wanted: string, fallback = 'x'): string {
    return this.claim(identifier(wanted, fallback));
  }
  /** The object's name, claimed on first use. */
  of(key: object, wanted: string, fallback = 'x'): string {
    let name = this.given.get(key);
    if (name === undefined) {
      name = this.fresh(wanted, fallback);
      this.given.set(key, name);
      this.scopes.at(-1)?.push(key);
    }
    return name;
  }
  /** Gives an object a name made of a C identifier, however long that is. */
  settle(key: object, wanted: string): string {
    const name = this.claim(wanted);
    this.given.set(key, name);
    return name;
  }
  private claim(stem: string): string {
    let name = stem;
    for (let i = 2; this.taken.has(name); i++) name = `${stem}_${i}`;
    this.taken.add(name);
    return name;
  }
  /** What `f` gives; the names that objects claim meanwhile are free afterwards. */
  scoped<T>(f: () => T): T {
    this.scopes.push([]);
    const result = f();
    for (const key of this.scopes.pop() ?? []) {
      this.taken.delete(this.given.get(key) ?? '');
      this.given.delete(key);
    }
    return result;
  }
}
