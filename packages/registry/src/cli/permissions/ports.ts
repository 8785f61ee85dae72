import { readFile } from "node:fs/promises";
import { parseAddress } from "@longshore/base/address";

/** What this process may do with ports. */
export interface Privileges {
  /** The first port that anybody may listen on. */
  readonly firstFreePort: number;
  /** Whether it may listen on those below, too. */
  readonly mayListenAnywhere: boolean;
}

/** The bit of CAP_NET_BIND_SERVICE. */
const NET_BIND_SERVICE = 1n << 10n;

export async function readPrivileges(): Promise<Privileges> {
  const read = (file: string) => readFile(file, "utf8").catch(() => "");
  const [status, first] = await Promise.all([
    read("/proc/self/status"),
    read("/proc/sys/net/ipv4/ip_unprivileged_port_start"),
  ]);
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return {
    firstFreePort: /^\d+\s*$/.test(first) ? Number(first) : 1024,
    mayListenAnywhere: (BigInt(`0x${effective}`) & NET_BIND_SERVICE) !== 0n,
  };
}

/** What keeps a process with `privileges` from listening on `address`. */
export function findPortProblem(address: string, { firstFreePort, mayListenAnywhere }: Privileges): string | undefined {
  const port = parseAddress(address)?.port ?? 0;
  if (mayListenAnywhere || port === 0 || port >= firstFreePort) return undefined;
  return `port ${port} is below ${firstFreePort}, the first that this user may listen on`;
}
