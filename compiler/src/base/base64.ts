/** Base64 (standard alphabet), without the host's coders. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Int16Array(128).fill(-1);
for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i;

/**
 * Decodes at most `limit` bytes. White space is skipped and `=` ends the text; undefined when another character
 * stands in it or the last group is cut.
 */
export function decodeBase64(text: string, limit = Infinity): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.min(Math.floor((text.length * 3) / 4) + 3, limit));
  let length = 0;
  let group = 0;
  let filled = 0;
  for (let i = 0; i < text.length && length < limit; i++) {
    const code = text.charCodeAt(i);
    if (code === 61) break;
    const value = code < 128 ? (values[code] as number) : -1;
    if (value < 0) {
      if (code === 32 || code === 9 || code === 10 || code === 13) continue;
      return undefined;
    }
    group = ((group << 6) | value) & 0xffffff;
    filled += 6;
    if (filled >= 8) {
      filled -= 8;
      bytes[length++] = (group >> filled) & 255;
    }
  }
  if (filled === 6 && length < limit) return undefined;
  return bytes.subarray(0, length);
}

/** Encodes bytes, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet.charAt(group >> 18) + alphabet.charAt((group >> 12) & 63);
    text += left > 1 ? alphabet.charAt((group >> 6) & 63) : '=';
    text += left > 2 ? alphabet.charAt(group & 63) : '=';
    if (text.length > 8192) {
      parts.push(text);
      text = '';
    }
  }
  return parts.join('') + text;
}
