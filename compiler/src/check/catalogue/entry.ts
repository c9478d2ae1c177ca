/** One kind of diagnostic: what it means, with a program that has it and the same program put right. */
export interface CatalogueEntry {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly title: string;
  /** Markdown: why it is reported and what to do. */
  readonly explanation: string;
  /** Bodies of a file, without the version header. The wrong one gives exactly this code, the right one nothing. */
  readonly wrong: string;
  readonly right: string;
  /** Other files, by path, that the programs import. */
  readonly files?: Readonly<Record<string, string>>;
  /** Set where the programs are whole files, because the header is what they are about. */
  readonly whole?: boolean;
}
