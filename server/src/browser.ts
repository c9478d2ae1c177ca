/** The language server in a web worker. */
import {
  BrowserMessageReader,
  BrowserMessageWriter,
  createConnection,
  ProposedFeatures,
} from 'vscode-languageserver/browser.js';
import { isLoweringWorker, runInWorker, serveLoweringWorker, type WorkerScope } from './loweringWorker.ts';
import { serve } from './server.ts';

/** The worker's own global scope, as far as the transport needs it. */
const worker = globalThis as unknown as ConstructorParameters<typeof BrowserMessageReader>[0] & WorkerScope;

if (isLoweringWorker(worker)) serveLoweringWorker(worker);
else
  serve(
    createConnection(ProposedFeatures.all, new BrowserMessageReader(worker), new BrowserMessageWriter(worker)),
    runInWorker(worker),
  );
