/** The version of `package.json`, put in at build time by the bundler's JSON import. */
import manifest from '../../package.json' with { type: 'json' };

export const version: string = manifest.version;
