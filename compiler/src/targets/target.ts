/** What the compiler knows of a processor. Boards name one; the compiler never learns of a concrete board. */

export interface Target {
  /** `cortex-m4f`, `host`, … */
  readonly name: string;
  /** Instruction-set features that templates ask for. */
  readonly features: {
    /** ARMv7E-M DSP: SMLAD, SXTB16, SSAT, SMMLA … */
    readonly dsp: boolean;
    /** Single-precision floating point in hardware. */
    readonly fpu: boolean;
    readonly bits: 32 | 64;
  };
  readonly littleEndian: boolean;
}
