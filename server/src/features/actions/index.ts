/** Every code action, in the order of the menu. Adding one is a file here and a row. */
import { addAnnotation } from './addAnnotation.ts';
import type { CodeActionRecord } from './action.ts';
import { graphToLet, letToGraph } from './convertBinding.ts';
import { convertLayout } from './convertLayout.ts';
import { expectDiagnostics } from './expectDiagnostics.ts';
import { extractBinding } from './extractBinding.ts';
import { fillArms } from './fillArms.ts';
import { fillAttributes } from './fillAttributes.ts';
import { carriedFixes, shapeRepairs } from './fixes.ts';
import { inlineBinding } from './inlineBinding.ts';
import { removeDead } from './removeDead.ts';
import { splitFunction } from './splitFunction.ts';

export const codeActionRecords: readonly CodeActionRecord[] = [
  carriedFixes,
  shapeRepairs,
  fillAttributes,
  fillArms,
  removeDead,
  addAnnotation,
  inlineBinding,
  extractBinding,
  graphToLet,
  letToGraph,
  convertLayout,
  splitFunction,
  expectDiagnostics,
];
