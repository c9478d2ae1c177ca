/** The language server on Node: over a pipe to its parent, or over standard input and output. */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node.js';
import { isLoweringProcess, runInProcess, serveLowering } from './loweringProcess.ts';
import { runHere } from './loweringQueue.ts';
import { diskFiles } from './diskFiles.ts';
import { serve } from './server.ts';

/** Serves over the transport that the arguments name: `--stdio`, `--node-ipc`, `--socket=PORT`, `--pipe=NAME`. */
export function startServer(argv: readonly string[] = process.argv.slice(2)): void {
  if (isLoweringProcess()) return serveLowering();
  const connection = argv.includes('--stdio')
    ? createConnection(ProposedFeatures.all, process.stdin, process.stdout)
    : createConnection(ProposedFeatures.all);
  const program = process.argv[1];
  serve(connection, program === undefined ? runHere : runInProcess(program), diskFiles);
}

/** True when this file (or its bundle) is the program, not a module of another. */
const isProgram = /(?:^|[\\/])(?:server\.cjs|server[\\/]src[\\/]main\.ts)$/.test(process.argv[1] ?? '');
if (isProgram) startServer();
