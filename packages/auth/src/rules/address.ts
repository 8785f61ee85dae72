import { BlockList, isIP } from "node:net";

/** An address without its zone, and a v4 address for one that is mapped into v6: both name the same peer. */
export function plainAddress(text: string): { readonly address: string; readonly family: "ipv4" | "ipv6" } | undefined {
  const address = text.replace(/%.*$/, "");
  if (isIP(address) === 4) return { address, family: "ipv4" };
  if (isIP(address) !== 6) return undefined;
  const mapped = mappedIpv4(address);
  return mapped === undefined ? { address, family: "ipv6" } : { address: mapped, family: "ipv4" };
}

function mappedIpv4(address: string): string | undefined {
  // The URL parser is the platform's canonical spelling of an IPv6 address.
  const groups = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(new URL(`http://[${address}]/`).hostname);
  if (groups === null) return undefined;
  const bytes = groups.slice(1).flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join(".");
}

/**
 * A matcher of one address or CIDR block (RFC 4632, RFC 4291), v4 or v6, v4-mapped ones as v4. An address that can't be read
 * never matches. Undefined: `pattern` is neither.
 */
export function compileAddress(pattern: string): ((address: string | undefined) => boolean) | undefined {
  const [host = "", size, ...more] = pattern.split("/");
  const plain = host.includes("%") ? undefined : plainAddress(host);
  if (plain === undefined || more.length > 0) return undefined;
  const bits = isIP(host) === 4 ? 32 : 128;
  if (size !== undefined && (!/^\d{1,3}$/.test(size) || Number(size) > bits)) return undefined;
  const dropped = bits === 128 && plain.family === "ipv4" ? 96 : 0;
  const prefix = (size === undefined ? bits : Number(size)) - dropped;
  // A block around all mapped addresses and more is a v6 block, which no v4 peer is in.
  const base = prefix < 0 ? ({ address: host, family: "ipv6" } as const) : plain;
  const list = new BlockList();
  list.addSubnet(base.address, prefix < 0 ? prefix + dropped : prefix, base.family);
  return (address) => {
    const peer = address === undefined ? undefined : plainAddress(address);
    // Asked across families, the list would find every v4 peer in `::/0`.
    return peer?.family === base.family && list.check(peer.address, peer.family);
  };
}
