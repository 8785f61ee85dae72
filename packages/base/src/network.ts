import { BlockList, isIP } from "node:net";

/** An address in the one form that rules, limits and logs compare. */
export interface Address {
  /** Without a zone; an IPv4 address if it was mapped into IPv6. */
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
}

/** Whether an address lies in a set of networks. An unknown or unreadable address lies in none. */
export type Networks = (address: string | undefined) => boolean;

/** Reads an address; undefined if it is none. `::ffff:a.b.c.d` in any spelling is the IPv4 address that it stands for. */
export function parseIp(text: string): Address | undefined {
  const address = text.replace(/%.*$/, "");
  if (isIP(address) === 4) return { text: address, family: "ipv4" };
  if (isIP(address) !== 6) return undefined;
  const mapped = mappedIpv4(address);
  return mapped === undefined ? { text: address, family: "ipv6" } : { text: mapped, family: "ipv4" };
}

/** `text` with a mapped IPv4 address written as IPv4; anything else is returned as it is. */
export function plainAddress(text: string): string {
  if (!/[:%]/.test(text)) return text;
  // Nearly every peer of a dual-stack socket has this form.
  if (text.startsWith("::ffff:") && text.includes(".")) return text.slice(7);
  return parseIp(text)?.text ?? text;
}

/** `host:port` with IPv6 in brackets and a mapped IPv4 address as IPv4. */
export function formatHostPort(address: string, port: number): string {
  const plain = plainAddress(address);
  return isIP(plain) === 6 ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Whether `text` is an address, or a network such as `10.0.0.0/8` or `fd00::/8` (RFC 4632, RFC 4291). */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

/** The set of all `texts` that {@link isNetwork} accepts; the others are left out. */
export function createNetworks(texts: readonly string[]): Networks {
  const list = new BlockList();
  const families = new Set<Address["family"]>();
  for (const text of texts) {
    const network = parseNetwork(text);
    if (network === undefined) continue;
    list.addSubnet(network.base, network.prefix, network.family);
    families.add(network.family);
  }
  return (text) => {
    const address = text === undefined ? undefined : parseIp(text);
    // A BlockList asked across families would find every IPv4 address in `::/0`.
    return address !== undefined && families.has(address.family) && checkIn(list, address);
  };
}

/** The enclosing network of an address, such as its /24 or /64, in canonical form; undefined if `text` is no address. */
export function networkOf(text: string, bits: { readonly ipv4: number; readonly ipv6: number }): string | undefined {
  const address = parseIp(text);
  if (address === undefined) return undefined;
  const groups = address.family === "ipv4" ? address.text.split(".").map(Number) : groupsOf(address.text);
  const width = address.family === "ipv4" ? 8 : 16;
  const prefix = bits[address.family];
  const kept = groups.map((group, index) => group & maskOf(prefix - index * width, width));
  if (address.family === "ipv4") return `${kept.join(".")}/${prefix}`;
  return `${canonical(kept.map((group) => group.toString(16)).join(":"))}/${prefix}`;
}

interface Network {
  readonly base: string;
  readonly prefix: number;
  readonly family: Address["family"];
}

function parseNetwork(text: string): Network | undefined {
  const [host = "", size, ...more] = text.split("/");
  const address = host.includes("%") ? undefined : parseIp(host);
  if (address === undefined || more.length > 0) return undefined;
  const bits = isIP(host) === 4 ? 32 : 128;
  if (size !== undefined && (!/^\d{1,3}$/.test(size) || Number(size) > bits)) return undefined;
  // A mapped network is one of IPv4, unless it is wider than all mapped addresses.
  const dropped = bits === 128 && address.family === "ipv4" ? 96 : 0;
  const prefix = (size === undefined ? bits : Number(size)) - dropped;
  if (prefix < 0) return { base: host, prefix: prefix + dropped, family: "ipv6" };
  return { base: address.text, prefix, family: address.family };
}

function checkIn(list: BlockList, { text, family }: Address): boolean {
  return list.check(text, family);
}

/** The URL parser is the platform's canonical spelling of an IPv6 address. */
function canonical(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function mappedIpv4(address: string): string | undefined {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical(address));
  if (groups === null) return undefined;
  const bytes = groups.slice(1).flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join(".");
}

function groupsOf(ipv6: string): number[] {
  const [head = "", tail] = canonical(ipv6).split("::");
  const read = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const before = read(head);
  const after = read(tail ?? "");
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

/** A mask of `width` bits with the first `bits` set, bounded at both ends. */
function maskOf(bits: number, width: number): number {
  const set = Math.min(Math.max(bits, 0), width);
  return ((1 << set) - 1) << (width - set);
}
