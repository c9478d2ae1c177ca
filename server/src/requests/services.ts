/** The requests beyond LSP that this extension's views ask. */
import {
  requests,
  type BuildParams,
  type BuildSettings,
  type BuildResult,
  type CompareParams,
  type CompareResult,
  type Footprint,
  type GraphParams,
  type GraphResult,
  type RecordsParams,
  type RecordsResult,
  type WhatIfParams,
  type WhatIfResult,
} from '../protocol.ts';
import type { Program } from '../files.ts';
import type { Service } from '../service.ts';
import { refusedBuild, type BuildJob } from './build.ts';
import { functionGraph } from './graph.ts';
import { readRecords } from './records.ts';
import { settingsOf } from './settings.ts';
import { compareTypes, follow, substitute } from './whatIf.ts';

export const viewServices: readonly Service[] = [
  {
    name: 'builds',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.build, (params: BuildParams): Promise<BuildResult> => {
        const document = host.documents.get(params.uri);
        if (params.text !== undefined)
          return host.lowering.request(jobOf(params, 0, host.files.closedProgram(params.uri, params.text)));
        if (!document)
          return Promise.resolve(refusedBuild({ version: 0 }, 'The source is not open.', 'Open the .relay file.'));
        return host.lowering.request(jobOf(params, document.version, host.files.program(document)));
      });
    },
  },
  {
    name: 'tuning records',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.records, (params: RecordsParams): RecordsResult => readRecords(params));
    },
  },
  {
    name: 'graphs',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.graph, async (params: GraphParams): Promise<GraphResult | null> => {
        const snapshot = await host.analysis.checked(params.uri);
        const offset = params.position && snapshot?.lines.offset(params.position);
        return (snapshot && functionGraph(snapshot, offset)) ?? null;
      });
    },
  },
  {
    name: 'what if',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.whatIf, async (params: WhatIfParams): Promise<WhatIfResult> => {
        const nothing = { text: '', changed: [], errors: [], before: undefined, after: undefined };
        const snapshot = await host.analysis.checked(params.uri);
        if (!snapshot) return { version: 0, ...nothing, failure: { message: 'The source is not open.' } };
        const { version } = snapshot;
        const text = substitute(snapshot, params);
        if (!text.ok) return { version, ...nothing, failure: text.error };
        // What was wrong before is the author's to mend: annotations follow in a sound program alone.
        const sound = ![...snapshot.tree.errors, ...snapshot.check.diagnostics].some((d) => d.severity === 'error');
        const followed = sound ? follow(text.value) : text.value;
        const types = compareTypes(snapshot, followed);
        const before = await host.lowering.request(jobOf(params, version, { text: snapshot.text }));
        // Weights keep their shapes, so the parameter file goes with the substituted program, too.
        const substituted = { ...params, uri: `${params.uri}#what-if` };
        const after = await host.lowering.request(jobOf(substituted, version, { text: followed }));
        return { version, ...types, before: footprint(before), after: footprint(after) };
      });
    },
  },
  {
    name: 'comparisons',
    capabilities: {},
    register: (host) => {
      host.connection.onRequest(requests.compare, (params: CompareParams): Promise<CompareResult> =>
        host.lowering.request({ kind: 'compare', ...params }),
      );
    },
  },
];

function jobOf(params: BuildSettings & { readonly uri: string }, version: number, program: Program): BuildJob {
  return { kind: 'build', uri: params.uri, version, ...program, ...settingsOf(params) };
}

function footprint(result: BuildResult): Footprint {
  const { macs, arenaBytes, constantBytes, failure } = result;
  return { macs, arenaBytes, constantBytes, ...(failure ? { failure: failure.message } : {}) };
}
