/** Who signed, as Sigstore's certificates say it. */
export interface SignerIdentity {
  /** A mail address or the address of a workflow. */
  readonly names: readonly string[];
  /** Who vouched for it. */
  readonly issuer: string | undefined;
}

/** DER of the object identifiers: subjectAltName; Fulcio's issuer, as bare text and as UTF8String. */
const SUBJECT_ALT_NAME = [0x06, 0x03, 0x55, 0x1d, 0x11];
const FULCIO = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01];
const ISSUER = [...FULCIO, 0x01];
const ISSUER_2 = [...FULCIO, 0x08];
const OCTET_STRING = 0x04;
/** Choices of GeneralName (RFC 5280 §4.2.1.6). */
const TEXT_NAMES = [0x81, 0x82, 0x86];

/** Reads a certificate (DER, or PEM text); undefined if it names no identity. Says nothing about whether it is valid. */
export function signerOf(certificate: string): SignerIdentity | undefined {
  const bytes = bytesOf(certificate);
  const names = bytes === undefined ? [] : namesIn(extension(bytes, SUBJECT_ALT_NAME));
  if (bytes === undefined || names.length === 0) return undefined;
  const wrapped = extension(bytes, ISSUER_2);
  const issuer = extension(bytes, ISSUER) ?? (wrapped && read(wrapped, 0)?.content);
  return { names, issuer: issuer === undefined ? undefined : decode(issuer) };
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    const body = text.replace(/-----(?:BEGIN|END) CERTIFICATE-----/g, " ").replace(/\s+/g, "");
    return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

/** The DER element at `offset`; undefined where there is none. */
function read(bytes: Uint8Array, offset: number): Element | undefined {
  const tag = bytes[offset];
  let length = bytes[offset + 1];
  if (tag === undefined || length === undefined) return undefined;
  let start = offset + 2;
  if (length > 0x80) {
    const count = length - 0x80;
    if (count > 3) return undefined;
    length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + (bytes[start + index] ?? 0);
    start += count;
  }
  const end = start + length;
  return end > bytes.length ? undefined : { tag, content: bytes.subarray(start, end), end };
}

/** The value of an extension, which follows its identifier (and perhaps "critical"). */
function extension(bytes: Uint8Array, identifier: readonly number[]): Uint8Array | undefined {
  for (let at = 0; at < bytes.length - identifier.length; at += 1) {
    if (!identifier.every((byte, index) => bytes[at + index] === byte)) continue;
    let element = read(bytes, at + identifier.length);
    if (element !== undefined && element.tag !== OCTET_STRING) element = read(bytes, element.end);
    if (element?.tag === OCTET_STRING) return element.content;
  }
  return undefined;
}

function namesIn(value: Uint8Array | undefined): readonly string[] {
  const sequence = value === undefined ? undefined : read(value, 0)?.content;
  if (sequence === undefined) return [];
  const names: string[] = [];
  for (let element = read(sequence, 0); element !== undefined; element = read(sequence, element.end)) {
    if (TEXT_NAMES.includes(element.tag)) names.push(decode(element.content));
  }
  return names;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
