/** The questions that were asked, each with its answer; asked anew as the text changes. */
import * as vscode from 'vscode';
import { requests, type WhatIfParams, type WhatIfResult } from '../../server/src/protocol.ts';
import type { Session } from './session.ts';
import type { Tuned } from './tuned.ts';

/** Pause after the last change before the question is asked anew. */
const pauseMs = 300;

/** A question about a document, with its answer once it is there. */
export interface Trial {
  readonly uri: vscode.Uri;
  readonly function: string;
  readonly parameter: string;
  readonly type: string;
  readonly result?: WhatIfResult;
}

/** The trials, one a document. */
export class WhatIf implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onChanged = this.changed.event;
  private readonly session: Session;
  private readonly tuned: Tuned;
  private readonly trials = new Map<string, Trial>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(session: Session, tuned: Tuned) {
    this.session = session;
    this.tuned = tuned;
    this.subscriptions = [
      this.changed,
      session.onChecked(({ uri }) => this.later(uri)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.reset(uri)),
    ];
  }

  of(uri: vscode.Uri): Trial | undefined {
    return this.trials.get(uri.toString());
  }

  /** Asks; the answer comes with the event, too. */
  async ask(trial: Trial): Promise<WhatIfResult | undefined> {
    const key = trial.uri.toString();
    this.trials.set(key, trial);
    this.changed.fire();
    const params: WhatIfParams = {
      uri: key,
      function: trial.function,
      parameter: trial.parameter,
      type: trial.type,
      ...(await this.tuned.settingsFor(trial.uri)),
    };
    try {
      const result = await this.session.client.sendRequest<WhatIfResult>(requests.whatIf, params);
      const current = this.trials.get(key);
      // Reset, or replaced by another question meanwhile.
      if (current?.type !== trial.type || current.parameter !== trial.parameter) return undefined;
      this.trials.set(key, { ...trial, result });
      this.changed.fire();
      return result;
    } catch (error) {
      this.session.output.debug(`No answer about ${key}: ${String(error)}`);
      return undefined;
    }
  }

  reset(uri: vscode.Uri): void {
    if (this.trials.delete(uri.toString())) this.changed.fire();
  }

  private later(key: string): void {
    clearTimeout(this.timers.get(key));
    if (!this.trials.has(key)) return;
    const again = (): void => {
      const trial = this.trials.get(key);
      if (trial) void this.ask(trial);
    };
    this.timers.set(key, setTimeout(again, pauseMs));
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
