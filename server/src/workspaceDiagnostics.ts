/** Diagnostics of programs that are not open, sent where the user wants them; found in the background. */
import type { Diagnostic } from 'vscode-languageserver/lib/common/api.js';
import { toDiagnostic } from './convert.ts';
import { diagnostics } from './features/diagnostics.ts';
import type { Host } from './service.ts';
import { breathe } from './slices.ts';

/** More files than this are left to the command line. */
const mostFiles = 1000;

export class WorkspaceDiagnostics {
  private readonly host: Host;
  private readonly send: (uri: string, found: Diagnostic[]) => void;
  private readonly shown = new Set<string>();
  private asked = false;
  private scan = { isCancellationRequested: false };

  constructor(host: Host, send: (uri: string, found: Diagnostic[]) => void) {
    this.host = host;
    this.send = send;
  }

  /** True when closed files are reported: by the setting, or since a check of all files was asked for. */
  private get wanted(): boolean {
    return this.asked || this.host.settings().diagnostics.workspace;
  }

  /** Reports on every closed file from now on, whatever the setting says: the user asked for a check of all files. */
  check(): void {
    this.asked = true;
    void this.refresh();
  }

  /** Reports anew after a file changed or closed, where closed files are reported. */
  update(): void {
    if (this.wanted) void this.refresh();
  }

  /** Reports anew on every closed file, or takes the reports back when they are not wanted any more. */
  async refresh(): Promise<void> {
    this.scan.isCancellationRequested = true;
    const token = { isCancellationRequested: false };
    this.scan = token;
    const { files, workspace } = this.host;
    const wanted = this.wanted ? (await files.all()).slice(0, mostFiles) : [];
    const left = new Set(this.shown);
    for (const uri of wanted) {
      await breathe();
      if (token.isCancellationRequested) return;
      left.delete(uri);
      if (this.host.documents.get(uri)) continue;
      const file = await workspace.checked(uri, token);
      if (token.isCancellationRequested) return;
      if (!file || this.host.documents.get(uri)) continue;
      this.send(
        uri,
        diagnostics(file).map((diagnostic) => toDiagnostic(file, diagnostic)),
      );
      this.shown.add(uri);
    }
    for (const uri of left) {
      this.shown.delete(uri);
      if (!this.host.documents.get(uri)) this.send(uri, []);
    }
  }

  stop(): void {
    this.scan.isCancellationRequested = true;
  }
}
