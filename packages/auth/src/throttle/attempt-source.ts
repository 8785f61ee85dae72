import { networkOf, parseIp } from "@longshore/base/network";

/** One customer has at least the 64 bits of an IPv6 network: failures are never counted for less. */
const SOURCE = { ipv4: 32, ipv6: 64 };

/** Networks that take turns as one, widest first. Providers also assign whole /56 and /48 networks to one customer. */
const SHARED_IPV4 = [{ ...SOURCE, ipv4: 24 }];
const SHARED_IPV6 = [48, 56].map((ipv6) => ({ ...SOURCE, ipv6 }));

/** What failures are counted for: an IPv4 address, the /64 network of an IPv6 address, or the text if it is neither. */
export function sourceOf(remoteAddress: string | undefined): string {
  const address = parseIp(remoteAddress ?? "");
  if (address?.family === "ipv4") return address.text;
  return networkOf(address?.text ?? "", SOURCE) ?? remoteAddress ?? "";
}

/** The networks of an address that take turns, widest first, with its {@link sourceOf} last: the /24, or the /48 and /56. */
export function networksOf(remoteAddress: string | undefined): readonly string[] {
  const address = parseIp(remoteAddress ?? "");
  const shared = address?.family === "ipv4" ? SHARED_IPV4 : SHARED_IPV6;
  const networks = shared.map((bits) => networkOf(address?.text ?? "", bits)).filter((each) => each !== undefined);
  return [...networks, sourceOf(remoteAddress)];
}
