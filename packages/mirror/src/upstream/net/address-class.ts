import { createNetworks, parseIp } from "@longshore/base/network";

/**
 * What an address is good for: the public internet, or something that only insiders reach. `metadata` is where clouds hand out
 * credentials to whatever runs on a machine; `reserved` is no host's address.
 */
export type AddressClass = "public" | "private" | "loopback" | "link-local" | "metadata" | "reserved";

/** IANA's special-purpose registries for IPv4 and IPv6; the first match counts. */
const CLASSES: readonly (readonly [AddressClass, ReturnType<typeof createNetworks>])[] = [
  ["metadata", createNetworks(["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::/32"])],
  // 0.0.0.0 and :: reach the machine itself.
  ["loopback", createNetworks(["127.0.0.0/8", "0.0.0.0/8", "::1", "::"])],
  ["link-local", createNetworks(["169.254.0.0/16", "fe80::/10"])],
  [
    "private",
    createNetworks(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"]),
  ],
  [
    "reserved",
    createNetworks([
      ...["192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"],
      ...["::/96", "100::/64", "2001::/32", "2001:db8::/32", "ff00::/8"],
    ]),
  ],
];

/** Networks that carry an IPv4 address in an IPv6 one, with the place of its first group (RFC 6052, RFC 3056). */
const EMBEDDING: readonly (readonly [RegExp, number])[] = [
  [/^64:ff9b:(?:1)?:/, 6],
  [/^2002:/, 1],
];

/** The class of `address`; what can't be read as an address is `reserved`. */
export function classOf(address: string): AddressClass {
  const parsed = parseIp(address);
  if (parsed === undefined) return "reserved";
  const embedded = parsed.family === "ipv6" ? embeddedIpv4(parsed.text) : undefined;
  if (embedded !== undefined) return classOf(embedded);
  return CLASSES.find(([, contains]) => contains(parsed.text))?.[0] ?? "public";
}

function embeddedIpv4(text: string): string | undefined {
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const place = EMBEDDING.find(([pattern]) => pattern.test(canonical))?.[1];
  if (place === undefined) return undefined;
  const [head = "", tail = ""] = canonical.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after];
  return groups
    .slice(place, place + 2)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join(".");
}
