/** An extension of a certificate (RFC 5280 §4.2). */
export interface Extension {
  /** Dotted. */
  readonly oid: string;
  readonly critical: boolean;
  /** DER. */
  readonly value: Uint8Array;
}

/** One element of DER (ITU-T X.690 §8.1) with what follows it. */
interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly rest: Uint8Array;
}

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
/** `extensions [3] EXPLICIT` of a TBSCertificate. */
const EXTENSIONS = 0xa3;

const BASIC_CONSTRAINTS = "2.5.29.19";

/** The extensions of a certificate in DER. Throws if it isn't DER. */
export function extensionsOf(certificate: Uint8Array): readonly Extension[] {
  const tbs = expect(expect(certificate, SEQUENCE).content, SEQUENCE);
  const wrapped = elements(tbs.content).find(({ tag }) => tag === EXTENSIONS);
  if (wrapped === undefined) return [];
  return elements(expect(wrapped.content, SEQUENCE).content).map(({ content }) => {
    const oid = expect(content, OBJECT_IDENTIFIER);
    const next = element(oid.rest);
    const critical = next.tag === BOOLEAN;
    const value = critical ? expect(next.rest, OCTET_STRING) : next;
    return { oid: dotted(oid.content), critical: critical && next.content[0] !== 0, value: value.content };
  });
}

/** The algorithm that a certificate in DER is signed with, as an object identifier. Throws if it isn't DER. */
export function signatureAlgorithmOf(certificate: Uint8Array): string {
  const tbs = expect(expect(certificate, SEQUENCE).content, SEQUENCE);
  return dotted(expect(expect(tbs.rest, SEQUENCE).content, OBJECT_IDENTIFIER).content);
}

/** How many intermediate certificates may follow below this one; undefined if there is no limit. */
export function pathLengthOf(extensions: readonly Extension[]): number | undefined {
  const constraints = extensions.find(({ oid }) => oid === BASIC_CONSTRAINTS);
  if (constraints === undefined) return undefined;
  const length = elements(expect(constraints.value, SEQUENCE).content).find(({ tag }) => tag === INTEGER);
  return length?.content.reduce((value, byte) => value * 256 + byte, 0);
}

function elements(der: Uint8Array): readonly Element[] {
  const found: Element[] = [];
  for (let rest = der; rest.length > 0;) {
    const next = element(rest);
    found.push(next);
    rest = next.rest;
  }
  return found;
}

function expect(der: Uint8Array, tag: number): Element {
  const found = element(der);
  if (found.tag !== tag) throw new Error("it is not DER as expected");
  return found;
}

function element(der: Uint8Array): Element {
  const [tag = 0, first = 0] = der;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const start = 2 + lengthBytes;
  const length = first < 0x80 ? first : der.subarray(2, start).reduce((value, byte) => value * 256 + byte, 0);
  const end = start + length;
  // No certificate needs more than four length bytes, and 0x80 (an indefinite length) is BER.
  if (der.length < 2 || first === 0x80 || lengthBytes > 4 || end > der.length) throw new Error("it is not DER");
  return { tag, content: der.subarray(start, end), rest: der.subarray(end) };
}

function dotted(bytes: Uint8Array): string {
  const arcs: number[] = [];
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length > 0) arcs.push(value);
    else arcs.push(Math.min(Math.floor(value / 40), 2), value - 40 * Math.min(Math.floor(value / 40), 2));
    value = 0;
  }
  return arcs.join(".");
}
