import { plainAddress } from "../rules/address.js";

/** Groups of an IPv6 address that name a network of 64 bits. */
const NETWORK_GROUPS = 4;
const ALL_GROUPS = 8;

function groupsOf(part: string | undefined): string[] {
  return (part ?? "").split(":").filter((group) => group !== "");
}

/** Whom attempts are counted for: an address, or of IPv6 the network of 64 bits that one customer has at the least. */
export function sourceOf(remoteAddress: string | undefined): string {
  const plain = remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
  if (plain === undefined) return remoteAddress ?? "";
  if (plain.family === "ipv4") return plain.address;
  // The URL parser is the platform's canonical spelling.
  const canonical = new URL(`http://[${plain.address}]/`).hostname.slice(1, -1);
  const [head, tail] = canonical.split("::");
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const gap = tail === undefined ? 0 : ALL_GROUPS - before.length - after.length;
  const groups = [...before, ...Array.from({ length: gap }, () => "0"), ...after];
  return `${groups.slice(0, NETWORK_GROUPS).join(":")}::/64`;
}
