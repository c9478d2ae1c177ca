import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, texts, until } from './driver.ts';
import { closeAll, file, open } from './editor.ts';

/** Programs compared with each other. */
export function compareTests(): void {
  describe('comparing programs', () => {
    const other = (): vscode.Uri => file('same-network.relay');
    afterEach(closeAll);
    after(() => vscode.workspace.fs.delete(other()));

    it('says that a rewritten program means the same, and shows the normal forms', async () => {
      const { document } = await open('network.relay');
      const rewritten = document.getText().replaceAll(/%(\d+)\b/g, '%1$1');
      await vscode.workspace.fs.writeFile(other(), new TextEncoder().encode(rewritten));
      const compared = vscode.commands.executeCommand<{ verdict: string; headline: string } | undefined>(
        'relay.comparePrograms',
        document.uri,
        other(),
      );
      const found = await compared;
      assert.equal(found?.verdict, 'same', found?.headline);
      if (!hasDriver) return;
      const seen = await until('the verdict', async () => {
        const shown = await texts('.notification-list-item-message');
        return shown.find((text) => /same-network\.relay: They mean the same/.test(text));
      });
      assert.ok(seen);
    });
  });
}
