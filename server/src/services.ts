/** The services of the language server, one row each. Adding one is a file in `features/` and a row in one of the lists. */
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { diagnosticServices } from './diagnosticServices.ts';
import { refusedLowering, stageList } from './features/lowering.ts';
import { navigationServices } from './navigationServices.ts';
import { requests, type LowerParams, type LowerResult, type StageInfo, type StatusResult } from './protocol.ts';
import type { VirtualDocumentParams, VirtualDocumentResult } from './protocol.ts';
import { viewServices } from './requests/services.ts';
import type { Service } from './service.ts';
import { structureServices } from './structureServices.ts';
import { virtualDocument } from './virtualDocuments.ts';
import { writingServices } from './writingServices.ts';

const ownServices: readonly Service[] = [
  {
    name: 'lowering',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.stages, (): readonly StageInfo[] => stageList());
      host.connection.onRequest(requests.lower, ({ uri, ...wanted }: LowerParams): Promise<LowerResult> => {
        const document = host.documents.get(uri);
        if (!document) return Promise.resolve(refusedLowering(0, 'The source is not open.', 'Open the .relay file.'));
        return host.lowering.request({ ...wanted, uri, version: document.version, ...host.files.program(document) });
      });
    },
  },
  {
    name: 'virtual documents',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.virtualDocument, ({ uri }: VirtualDocumentParams): VirtualDocumentResult => {
        const text = virtualDocument(uri);
        return text === undefined ? {} : { text };
      });
    },
  },
  {
    name: 'status',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.status, (): StatusResult => ({
        operators: operatorRegistry.names().length,
        documents: [...host.documents.all()].map(({ uri, version, lineCount }) => ({ uri, version, lines: lineCount })),
      }));
    },
  },
];

export const services: readonly Service[] = [
  ...diagnosticServices,
  ...writingServices,
  ...navigationServices,
  ...structureServices,
  ...ownServices,
  ...viewServices,
];
