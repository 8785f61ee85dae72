import { BlockList, isIP } from "node:net";
import { z } from "zod";

/** Tells whether an address is in a set of networks. */
export type Networks = (address: string) => boolean;

/** https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html; what else is in it doesn't matter here. */
const document = z.looseObject({
  prefixes: z.array(z.looseObject({ ip_prefix: z.string(), region: z.string() })),
  ipv6_prefixes: z.array(z.looseObject({ ipv6_prefix: z.string(), region: z.string() })).default([]),
});

/**
 * The networks of AWS's list (`ip-ranges.json`), of all its services; with `regions` only of those, in any case of letters. An
 * entry that is no network is left out. Throws where `text` is no such list, or one without networks.
 */
export function parseAwsNetworks(text: string, regions: readonly string[] | undefined): Networks {
  const { prefixes, ipv6_prefixes } = document.parse(JSON.parse(text));
  const wanted = regions === undefined ? undefined : new Set(regions.map((region) => region.toLowerCase()));
  const all = [
    ...prefixes.map(({ ip_prefix, region }) => ({ network: ip_prefix, region })),
    ...ipv6_prefixes.map(({ ipv6_prefix, region }) => ({ network: ipv6_prefix, region })),
  ];
  if (all.length === 0) throw new Error("the list is empty");
  const list = new BlockList();
  for (const { network, region } of all) {
    if (wanted === undefined || wanted.has(region.toLowerCase())) add(list, network);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}

function add(list: BlockList, network: string): void {
  const [address = "", bits = ""] = network.split("/");
  const family = isIP(address);
  if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return;
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
}
