/** The language server in a web worker. */
import {
  BrowserMessageReader,
  BrowserMessageWriter,
  createConnection,
  ProposedFeatures,
} from 'vscode-languageserver/browser.js';
import { serve } from './server.ts';

/** The worker's own global scope, as far as the transport needs it. */
const worker = globalThis as unknown as ConstructorParameters<typeof BrowserMessageReader>[0];

serve(createConnection(ProposedFeatures.all, new BrowserMessageReader(worker), new BrowserMessageWriter(worker)));
