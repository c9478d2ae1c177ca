/** A word that nobody can guess, for the content security policy of a page. Works in Node and in browsers. */
export function nonce(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, 'x');
}
