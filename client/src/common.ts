/** What the extension does in every host, Node or browser. */
import * as vscode from 'vscode';
import { Builds } from './builds.ts';
import { registerCompare } from './compare.ts';
import { registerGraph } from './graphPanel.ts';
import type { Assemble } from './assembly.ts';
import { LoweringProvider } from './lowering.ts';
import { registerMemory } from './memoryPanel.ts';
import { Profiles } from './profiles.ts';
import { showRibbon } from './ribbon.ts';
import { Session, type ClientFactory } from './session.ts';
import { registerLowering } from './stageCommands.ts';
import { Tuned } from './tuned.ts';
import { showStatus } from './status.ts';
import { showTuningStatus } from './tuningStatus.ts';
import { registerBoards, type FindBoards } from './views/boards.ts';
import { registerModels } from './views/models.ts';
import { registerStages } from './views/stages.ts';
import { registerTuning, Runs } from './views/tuning.ts';
import { registerVirtualDocuments } from './virtualDocuments.ts';
import { registerWhatIf } from './whatIf.ts';

/** What the extension's parts share. */
export interface Common {
  readonly session: Session;
  readonly runs: Runs;
}

/** What a machine with an engine can do beside the server; a browser has none. */
export interface Machine {
  readonly findBoards: FindBoards;
  readonly assemble?: Assemble;
}

/** Starts the language server and registers what needs nothing but it, and what the machine can do. */
export function activateCommon(context: vscode.ExtensionContext, create: ClientFactory, machine: Machine): Common {
  const output = vscode.window.createOutputChannel('Relay', { log: true });
  const session = new Session(create, output);
  const profiles = new Profiles(context);
  const tuned = new Tuned(session, profiles, machine.findBoards);
  const builds = new Builds(session, profiles, tuned);
  const stages = new LoweringProvider(session, profiles, tuned, machine.assemble);
  const runs = new Runs();
  context.subscriptions.push(
    output,
    session,
    showStatus(session),
    registerCompare(session),
    registerLowering(stages, builds),
    tuned,
    builds,
    showTuningStatus(session, builds),
    showRibbon(builds),
    registerStages(session, builds, stages, context.workspaceState),
    registerBoards(profiles, machine.findBoards),
    registerModels(session, builds),
    registerTuning(runs),
    registerGraph(session, builds),
    registerMemory(builds),
    registerVirtualDocuments(session),
    registerWhatIf(session, tuned, context.workspaceState),
    vscode.commands.registerCommand('relay.restartServer', () => session.restart()),
    vscode.commands.registerCommand('relay.showOutput', () => output.show()),
  );
  // Not awaited: the editor goes on while the server starts.
  void session.start();
  return { session, runs };
}
