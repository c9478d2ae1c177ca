import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listFiles, PackageManager } from '@vscode/vsce';
import { describe, it } from 'mocha';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Everything that may be in the package; `runtime` is C that generated code needs, `boards/profiles` is data. */
const admitted = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|language-configuration\.json)$/,
  /^syntaxes\/[\w.-]+\.json$/,
  /^bin\/relay$/,
  /^dist\/(client|server)\.cjs$/,
  /^dist\/(client|server)\.browser\.js$/,
  /^dist\/relay\.mjs$/,
  /^runtime\/[\w./-]+\.(c|h|S|ld)$/,
  /^docs\/screenshots\/(editor|result)\.png$/,
  /^client\/media\/[\w-]+\.svg$/,
  /^client\/walkthrough\/[\w-]+\.md$/,
  /^boards\/profiles\/[\w.-]+\.json$/,
];

describe('the packaged extension', () => {
  it('holds what runs and what a user reads, nothing else', async function () {
    this.timeout(60_000);
    const files = await listFiles({ cwd: root, packageManager: PackageManager.None });
    const strangers = files.filter((file) => !admitted.some((pattern) => pattern.test(file.replaceAll('\\', '/'))));
    assert.deepEqual(strangers, []);
    for (const wanted of ['package.json', 'README.md', 'LICENSE', 'bin/relay', 'language-configuration.json'])
      assert.ok(files.includes(wanted), wanted);
    for (const built of ['dist/client.cjs', 'dist/server.cjs', 'dist/relay.mjs'])
      assert.equal(files.includes(built), existsSync(path.join(root, built)), built);
  });

  it('has every file that its manifest names', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      contributes: { languages: { configuration: string }[]; grammars: { path: string }[] };
    };
    const named = [
      ...manifest.contributes.languages.map((language) => language.configuration),
      ...manifest.contributes.grammars.map((grammar) => grammar.path),
    ];
    for (const file of named) assert.ok(existsSync(path.join(root, file)), file);
  });
});
