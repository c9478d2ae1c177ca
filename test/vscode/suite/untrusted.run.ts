import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, texts, until } from './driver.ts';
import { diagnosticsOf, file, hoverText, lowered, open, positionOf } from './editor.ts';
import { runSuite } from './runner.ts';

/** The suite for a workspace that the user does not trust. */
export function run(): Promise<void> {
  return runSuite(() => {
    describe('an untrusted workspace', () => {
      it('is what this suite runs in', () => {
        assert.equal(vscode.workspace.isTrusted, false);
      });
      it('is checked like any other', async () => {
        const { document } = await open('broken.relay');
        await diagnosticsOf(file('broken.relay'), (found) => found.length === 1);
        assert.match(await hoverText(document.uri, positionOf(document, '%image,', 2)), /Tensor\[\(1, 3, 32, 32\)/);
      });
      it('is lowered down to C, and has to be trusted before a compiler makes assembly of it', async function () {
        const { document } = await open('network.relay');
        await hoverText(document.uri, positionOf(document, '%features)', 2));
        await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
        await until('C', () => lowered('.c')?.includes('#include'));
        if (!hasDriver) this.skip();
        const shown = vscode.commands.executeCommand('relay.showLowering', document.uri, 'asm');
        const text = await until(
          'the question',
          async () => (await texts('.notification-toast')).join('\n') || undefined,
        );
        assert.match(text, /Assembly needs a trusted workspace/);
        await vscode.commands.executeCommand('notifications.clearAll');
        await shown;
        assert.equal(lowered('.s'), undefined);
      });
      it('has to be trusted before Tune and Deploy runs anything', async function () {
        if (!hasDriver) this.skip();
        await open('network.relay');
        const finished = vscode.commands.executeCommand('relay.tuneAndDeploy', undefined, { board: 'host', trials: 1 });
        const text = await until(
          'the question',
          async () => (await texts('.notification-toast')).join('\n') || undefined,
        );
        assert.match(text, /Tune and Deploy needs a trusted workspace/);
        await screenshot('trust');
        await vscode.commands.executeCommand('notifications.clearAll');
        assert.equal(await finished, undefined);
      });
    });
  });
}
