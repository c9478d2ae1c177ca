/**
 * Computed repairs of tensors that do not fit: transposes, reshapes, casts and attributes that are found by the
 * operators' own relations, and offered only when the edited program checks.
 */
import type { Diagnostic, Fix, TextEdit } from '../../base/diagnostic.ts';
import { resolveSpan } from '../../base/span.ts';
import { printType } from '../../types/print.ts';
import { attributeRepairs } from './attributes.ts';
import { reshapingsOf } from './reshapings.ts';
import { expectedSlot, operatorSlots, usesAround, type Slot } from './slots.ts';
import { repairs, type CheckedText, type RepairOptions } from './verify.ts';

/** Diagnostics that another shape, element type or attribute may repair. */
const repairable: ReadonlySet<string> = new Set([
  'shape-mismatch',
  'rank-mismatch',
  'dtype-mismatch',
  'type-mismatch',
  'bad-attribute',
]);

/** Repairs shown of one diagnostic, and candidates that are tried by checking the program. */
const mostShown = 5;
const mostShownOfOne = 2;
const mostTried = 16;

interface Candidate {
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** What is repaired; of each a few candidates are shown at most. */
  readonly of: object;
}

/**
 * Repairs of `diagnostic`, simplest first, each verified: after its edits the diagnostic is gone and no new error is
 * there. Empty for diagnostics of other kinds and where nothing of the sort helps.
 */
export function computedRepairs(
  file: CheckedText,
  diagnostic: Diagnostic,
  options: RepairOptions = {},
): readonly Fix[] {
  if (!repairable.has(diagnostic.code) || diagnostic.severity !== 'error') return [];
  const fixes: Fix[] = [];
  const shown = new Map<object, number>();
  let tried = 0;
  for (const { title, edits, of } of candidates(file, diagnostic)) {
    if (fixes.length >= mostShown || tried >= mostTried) break;
    const before = shown.get(of) ?? 0;
    if (before >= mostShownOfOne) continue;
    tried++;
    if (!repairs(file, diagnostic, edits, options)) continue;
    fixes.push({ title, edits });
    shown.set(of, before + 1);
  }
  return fixes;
}

function* candidates(file: CheckedText, diagnostic: Diagnostic): Iterable<Candidate> {
  const { check } = file;
  const expected = expectedSlot(check, diagnostic.span);
  if (expected) yield* slotCandidates(file, expected);
  for (const use of usesAround(check, diagnostic.span).slice(0, 2)) {
    // A value that an attribute cannot have is not mended by other data.
    const slots = diagnostic.code === 'bad-attribute' ? [] : operatorSlots(check, use);
    const highest = Math.max(0, ...slots.map((slot) => slot.type.shape.length));
    for (const slot of blamedFirst(slots, diagnostic))
      for (const candidate of slotCandidates(file, slot))
        // Operands that only differ in sizes fit without more dimensions than there are.
        if (diagnostic.code !== 'shape-mismatch' || slots.length < 2 || candidate.rank <= highest) yield candidate;
    for (const repair of attributeRepairs(check, use)) yield { ...repair, of: use };
  }
}

/** The blamed argument is repaired in preference to its neighbours. */
function blamedFirst(slots: readonly Slot[], { span }: Diagnostic): readonly Slot[] {
  const blamed = (slot: Slot): number =>
    slot.node.span.anchor === span.anchor && slot.node.span.start === span.start ? 0 : 1;
  return slots.toSorted((a, b) => blamed(a) - blamed(b));
}

function* slotCandidates({ text, check }: CheckedText, slot: Slot): Iterable<Candidate & { readonly rank: number }> {
  const at = resolveSpan(check.tree.anchors, slot.node.span);
  const source = text.slice(at.start, at.end);
  for (const { operator, attributes, type } of reshapingsOf(slot.type, slot.targets)) {
    if (!slot.accepts(type)) continue;
    const call = (inner: string): string => `${operator}(${inner}${attributes === '' ? '' : `, ${attributes}`})`;
    const what = slot.name === undefined ? '' : `${slot.name}: `;
    yield {
      title: `Repair ${what}\`${call(short(source))}\` gives \`${printType(type)}\``,
      edits: [{ span: slot.node.span, newText: call(source) }],
      of: slot,
      rank: type.shape.length,
    };
  }
}

function short(source: string): string {
  const line = source.replaceAll(/\s+/g, ' ');
  return line.length > 24 ? '…' : line;
}
