import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';

const root = path.resolve(import.meta.dirname, '../..');
const guide = path.join(root, 'docs', 'guide');
const pages = readdirSync(guide).filter((name) => name.endsWith('.md'));

/** Targets of links and pictures that lie in this project. */
function targets(text: string): readonly string[] {
  const prose = text.replace(/```[^]*?```/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target));
}

describe('the user guide', () => {
  for (const page of pages)
    it(`${page} leads nowhere that is not there`, () => {
      const text = readFileSync(path.join(guide, page), 'utf8');
      for (const target of targets(text)) {
        const [file = '', anchor] = target.split('#');
        const place = path.resolve(guide, file === '' ? page : file);
        assert.ok(existsSync(place), target);
        if (anchor === undefined) continue;
        const headings = readFileSync(place, 'utf8').matchAll(/^#+ (.*)$/gm);
        const anchors = [...headings].map((heading) =>
          (heading[1] ?? '')
            .toLowerCase()
            .replace(/[^\w -]/g, '')
            .replaceAll(' ', '-'),
        );
        assert.ok(anchors.includes(anchor), target);
      }
    });

  it('is whole: its first page leads to every other', () => {
    const first = targets(readFileSync(path.join(guide, 'README.md'), 'utf8'));
    for (const page of pages) assert.ok(page === 'README.md' || first.includes(page), page);
  });

  it('shows every picture somewhere, and pictures are small', () => {
    const folder = path.join(root, 'docs', 'screenshots');
    const places = [path.join(root, 'README.md'), ...pages.map((page) => path.join(guide, page))];
    const shown = places.map((file) => readFileSync(file, 'utf8')).join('\n');
    for (const picture of readdirSync(folder)) {
      // The other themes of a picture that is shown are there to be compared.
      const views = ['dark', 'light', 'contrast', 'contrast-light'].map((theme) =>
        picture.replace(/-(dark|light|contrast|contrast-light)\.png$/, `-${theme}.png`),
      );
      assert.ok(
        views.some((view) => shown.includes(`screenshots/${view}`)),
        picture,
      );
      const { length } = readFileSync(path.join(folder, picture));
      assert.ok(length < 150_000, `${picture}: ${length} bytes`);
    }
  });
});
