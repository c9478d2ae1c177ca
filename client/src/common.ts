/** What the extension does in every host, Node or browser. */
import * as vscode from 'vscode';
import { Builds } from './builds.ts';
import { registerGraph } from './graphPanel.ts';
import { registerLowering } from './lowering.ts';
import { Profiles } from './profiles.ts';
import { showRibbon } from './ribbon.ts';
import { Session, type ClientFactory } from './session.ts';
import { showStatus } from './status.ts';
import { registerBoards, type FindBoards } from './views/boards.ts';
import { registerModels } from './views/models.ts';
import { registerStages } from './views/stages.ts';
import { registerTuning, Runs } from './views/tuning.ts';
import { registerWhatIf } from './whatIf.ts';

/** What the extension's parts share. */
export interface Common {
  readonly session: Session;
  readonly runs: Runs;
}

/** Starts the language server and registers what needs nothing but it. `find` looks for boards on this machine. */
export function activateCommon(context: vscode.ExtensionContext, create: ClientFactory, find: FindBoards): Common {
  const output = vscode.window.createOutputChannel('Relay', { log: true });
  const session = new Session(create, output);
  const profiles = new Profiles(context);
  const builds = new Builds(session, profiles);
  const runs = new Runs();
  context.subscriptions.push(
    output,
    session,
    showStatus(session),
    registerLowering(session),
    builds,
    showRibbon(builds),
    registerStages(session, builds),
    registerBoards(profiles, find),
    registerModels(session, builds),
    registerTuning(runs),
    registerGraph(session, builds),
    registerWhatIf(session, profiles),
    vscode.commands.registerCommand('relay.restartServer', () => session.restart()),
    vscode.commands.registerCommand('relay.showOutput', () => output.show()),
  );
  // Not awaited: the editor goes on while the server starts.
  void session.start();
  return { session, runs };
}
