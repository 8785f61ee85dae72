import { createNetworks, type Networks } from "@longshore/base/network";
import { z } from "zod";

/** https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html; other fields are ignored. */
const document = z.looseObject({
  prefixes: z.array(z.looseObject({ ip_prefix: z.string(), region: z.string() })),
  ipv6_prefixes: z.array(z.looseObject({ ipv6_prefix: z.string(), region: z.string() })).default([]),
});

/**
 * The networks of AWS's list (`ip-ranges.json`), for all services, or only those in `regions` (case-insensitive). Ignores an
 * entry that isn't a network. Throws if `text` isn't such a list, or if the list is empty.
 */
export function parseAwsNetworks(text: string, regions: readonly string[] | undefined): Networks {
  const { prefixes, ipv6_prefixes } = document.parse(JSON.parse(text));
  const wanted = regions === undefined ? undefined : new Set(regions.map((region) => region.toLowerCase()));
  const all = [
    ...prefixes.map(({ ip_prefix, region }) => ({ network: ip_prefix, region })),
    ...ipv6_prefixes.map(({ ipv6_prefix, region }) => ({ network: ipv6_prefix, region })),
  ];
  if (all.length === 0) throw new Error("the list is empty");
  const chosen = all.filter(({ region }) => wanted === undefined || wanted.has(region.toLowerCase()));
  return createNetworks(chosen.map(({ network }) => network));
}
