import { deployTests } from './deploy.ts';
import { languageTests } from './language.ts';
import { runSuite } from './runner.ts';

/** The suite for a trusted workspace. */
export function run(): Promise<void> {
  return runSuite(() => {
    languageTests();
    deployTests();
  });
}
