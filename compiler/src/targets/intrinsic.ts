/** The record of an instruction: what it takes and gives, its C, and its meaning. */
export interface Intrinsic {
  readonly name: string;
  readonly summary: string;
  /** Type of operands, results and what is read: float32 for instructions of the floating-point unit, else int32. */
  readonly dtype?: 'float32';
  /** C parameter names; a parameter list of the type is made from it. */
  readonly params: readonly string[];
  /** Results of a `perform`; undefined: one value is returned. */
  readonly results?: readonly string[];
  /** Set when the instruction reads memory at a pointer (`at`): words read, one after the other. */
  readonly reads?: number;
  /** Elements that the pointer moves on by after they were read. */
  readonly moves?: number;
  /** Set when it writes memory at a pointer: words written. */
  readonly writes?: number;
  /** C statements for processors with the DSP extension, or the floating-point unit; uses the parameter names. */
  readonly arm: string;
  /** The same in portable C. */
  readonly portable: string;
  /** The meaning: arguments (then words read) to results. */
  meaning(...args: readonly number[]): readonly number[];
}
