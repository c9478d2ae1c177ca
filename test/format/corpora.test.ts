import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { format } from '../../compiler/src/format/format.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { tokenize } from '../../compiler/src/syntax/tokens.ts';
import { corpus, sharedFiles } from '../syntax/support.ts';

/** All tokens and comments, in order. */
function content(text: string): string[] {
  const { tokens, comments } = tokenize(text);
  const all = [...tokens, ...comments].sort((a, b) => a.start - b.start);
  return all.map((x) => x.text.replace(/[ \t\r]+$/, ''));
}

function once(text: string): string {
  const result = format(text);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value.text;
}

/** What is wrong with formatting `text`; undefined when nothing is. */
function problem(text: string): string | undefined {
  const after = once(text);
  if (once(after) !== after) return 'not idempotent';
  const [old, now] = [content(text), content(after)];
  const at = old.findIndex((x, i) => x !== now[i]);
  return at < 0 && old.length === now.length ? undefined : `differs at token ${at}: ${old[at]} → ${now[at]}`;
}

const step = process.env['ALL_PROGRAMS'] === undefined ? 9 : 1;
const names = ['tvm-suite', 'generated', 'values'];
const programs = names.flatMap((name) => corpus(name).filter((_, i) => i % step === 0));

describe('formatting real programs', () => {
  before(function () {
    if (programs.length > 0) return;
    console.log('      the conformance corpora are absent beside the project');
    this.skip();
  });

  it('keeps every token and comment, and is idempotent', function () {
    this.timeout(120_000);
    const failures = programs.flatMap(({ id, text }) => problem(text)?.concat(`: ${id}`) ?? []);
    assert.deepEqual(failures, []);
  });

  it('keeps within 100 columns where lines can be broken', function () {
    this.timeout(120_000);
    const failures: string[] = [];
    for (const { text } of programs) {
      const body = once(text).replace(/#\[metadata\][\s\S]*/, '');
      if (parseSource(text).errors.some((x) => x.severity === 'error')) continue;
      for (const line of body.split('\n'))
        if (line.replace(/ ?\/[/*].*$/, '').length > 100 && /[([{]\S.*, /.test(line)) failures.push(line);
    }
    assert.deepEqual(failures.slice(0, 5), []);
  });

  it('keeps reference models the same', function () {
    this.timeout(120_000);
    const small = [...sharedFiles('models', '.relay'), ...sharedFiles('models/large', '.relay')]
      .map((path) => readFileSync(path, 'utf8'))
      .filter((text) => text.length < 120_000);
    for (const text of small) assert.equal(problem(text), undefined);
  });

  it('never loses, adds or joins a token of a broken text', function () {
    this.timeout(120_000);
    const texts = programs.map(({ text }) => text).filter((text) => text.length < 4000);
    const junk = ['(', ')', '[', ']', '{', '}', ',', ';', '%', '@', '"', '/*', '*/', '//', '\n', '.0', '-', '=', ' é '];
    const place = fc.double({ min: 0, max: 1, noNaN: true });
    const property = fc.property(
      fc.nat(texts.length - 1),
      fc.array(fc.tuple(place, fc.nat(6), fc.constantFrom('', ...junk)), { minLength: 1, maxLength: 3 }),
      (which, changes) => {
        let text = texts[which]!;
        for (const [at, removed, added] of changes) {
          const start = Math.floor(at * text.length);
          text = text.slice(0, start) + added + text.slice(start + removed);
        }
        const after = once(text);
        assert.deepEqual(content(after), content(text));
      },
    );
    fc.assert(property, { numRuns: step === 1 ? 20_000 : 600, seed: 7 });
  });

  it('keeps comments wherever they stand, and is idempotent with them', function () {
    this.timeout(120_000);
    const texts = programs.filter(({ ok, text }) => ok && text.length < 4000).map(({ text }) => text);
    const trivia = fc.constantFrom(' /* c */ ', '\n/* c */\n', ' // c\n', '\n\n// c\n', '\n', '\n\n\n', ' /* a\nb */ ');
    const property = fc.property(
      fc.nat(texts.length - 1),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), trivia), { minLength: 1, maxLength: 4 }),
      (which, changes) => {
        let text = texts[which]!;
        for (const [at, added] of changes) {
          const { tokens } = tokenize(text);
          const { start } = tokens[Math.floor(at * (tokens.length - 1))]!;
          text = text.slice(0, start) + added + text.slice(start);
        }
        assert.equal(problem(text), undefined);
      },
    );
    fc.assert(property, { numRuns: step === 1 ? 20_000 : 600, seed: 7 });
  });
});
