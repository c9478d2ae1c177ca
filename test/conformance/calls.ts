/** The calls of a checked program as the corpora list them. */
export { callsOf } from '../../compiler/src/check/calls.ts';
