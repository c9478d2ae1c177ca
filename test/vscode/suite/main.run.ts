import { compareTests } from './compare.ts';
import { deployTests } from './deploy.ts';
import { languageTests } from './language.ts';
import { loweringTests } from './lowering.ts';
import { pictureTests } from './pictures.ts';
import { runSuite } from './runner.ts';
import { longFileTests, serviceTests } from './services.ts';
import { sidebarTests } from './sidebar.ts';
import { viewTests } from './views.ts';

/** The suite for a trusted workspace. */
export function run(): Promise<void> {
  return runSuite(() => {
    languageTests();
    serviceTests();
    loweringTests();
    viewTests();
    compareTests();
    sidebarTests();
    pictureTests();
    deployTests();
    longFileTests();
  });
}
