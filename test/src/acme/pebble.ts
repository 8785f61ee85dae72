import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Resources } from "@longshore/base/resources";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { createIdentities } from "../server/certificates.js";

/** Pebble: the ACME server that Let's Encrypt tests its clients with, and a DNS server that knows every name as 127.0.0.1. */
export interface Pebble extends AsyncDisposable {
  /** The URL of its directory. */
  readonly directory: string;
  /** Where it looks for TLS-ALPN-01, and for HTTP-01. */
  readonly tlsPort: number;
  readonly httpPort: number;
  /** A file with the authority that a client of its API has to trust. */
  readonly authority: string;
  /** What it has logged. */
  output(): string;
  /** How many certificates it has issued. */
  issued(): number;
  /** How many orders it has taken. */
  ordered(): number;
}

export interface PebbleOptions {
  /** Of its certificates, in seconds. */
  readonly lifetime?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts one with a root of its own. */
export async function startPebble({ lifetime, environment }: PebbleOptions = {}): Promise<Pebble> {
  await using stack = new Resources();
  const folder = await makeTemporaryFolder("pebble");
  stack.defer(async () => folder[Symbol.asyncDispose]());
  const path = (name: string): string => join(folder.path, name);
  const { authority, server } = await createIdentities();
  await writeFile(path("authority.pem"), authority);
  await writeFile(path("certificate.pem"), server.certificate);
  await writeFile(path("key.pem"), server.key);
  const [port, management, tlsPort, httpPort, dns, dnsManagement] = await Promise.all(
    Array.from({ length: 6 }, () => freePort()),
  );
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: path("certificate.pem"),
    privateKey: path("key.pem"),
    httpPort,
    tlsPort,
    ...(lifetime === undefined ? {} : { certificateValidityPeriod: lifetime }),
  };
  await writeFile(path("pebble.json"), JSON.stringify({ pebble }));
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1"];
  const names = await startDaemon(
    "pebble-challtestsrv",
    [...off, "-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`],
    { ready: (output) => output.includes("Starting management server") },
  );
  stack.defer(async () => void (await names.stop()));
  const daemon = await startDaemon("pebble", ["-config", path("pebble.json"), "-dnsserver", `127.0.0.1:${dns}`], {
    env: { PEBBLE_VA_NOSLEEP: "1", ...environment },
    ready: (output) => output.includes("ACME directory available"),
  });
  stack.defer(async () => void (await daemon.stop()));
  const resources = stack.move();
  const count = (pattern: RegExp): number => daemon.output().match(pattern)?.length ?? 0;
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    tlsPort: tlsPort ?? 0,
    httpPort: httpPort ?? 0,
    authority: path("authority.pem"),
    output: () => daemon.output(),
    issued: () => count(/Issued certificate serial/g),
    ordered: () => count(/There are now \d+ orders in the db/g),
    [Symbol.asyncDispose]: () => resources.close(),
  };
}
