/** The grammar for colours, as an editor reads it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { IGrammar } from 'vscode-textmate';

// Both are UMD bundles whose named exports an import does not see.
const load = createRequire(import.meta.url);
const oniguruma = load('vscode-oniguruma') as typeof import('vscode-oniguruma');
const textmate = load('vscode-textmate') as typeof import('vscode-textmate');

const grammarFile = new URL('../syntaxes/relay.tmLanguage.json', import.meta.url);

/** The grammar of Relay. */
export async function loadGrammar(): Promise<IGrammar> {
  const wasm = readFileSync(load.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: (scope) =>
      Promise.resolve(
        scope === 'source.relay'
          ? textmate.parseRawGrammar(readFileSync(grammarFile, 'utf8'), 'relay.tmLanguage.json')
          : null,
      ),
  });
  const grammar = await registry.loadGrammar('source.relay');
  assert.ok(grammar);
  return grammar;
}

/** The innermost scope of each piece of the lines, tokenised one after the other. */
export function innermostScopes(grammar: IGrammar, lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let stack = textmate.INITIAL;
  for (const line of lines) {
    const result = grammar.tokenizeLine(line, stack);
    for (const { startIndex, endIndex, scopes } of result.tokens)
      found.set(line.slice(startIndex, endIndex).trim(), scopes.at(-1) ?? '');
    stack = result.ruleStack;
  }
  return found;
}
