import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Report } from "@longshore/options/report";
import { quote } from "./quote.js";
import type { ParsedConfig } from "./schema/root.js";

type Parsed = NonNullable<ParsedConfig["http"]["tls"]["letsencrypt"]>;

/** The authority that Distribution asks, too, if no other is named. */
const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/** Each host has a certificate of its own, which is looked at one after the other. */
const MOST_HOSTS = 100;

/** What a DNS name of a certificate may be long; RFC 1035 §2.3.4 allows more, and no authority does. */
const LONGEST_HOST = 253;

/** Where certificates come from, if an authority issues them on demand. */
export interface LetsEncryptConfig {
  readonly cachefile: string;
  readonly email: string | undefined;
  /** In ASCII and lower case, each once; at least one. */
  readonly hosts: readonly string[];
  readonly directoryurl: string;
  /** Where HTTP-01 challenges are answered; undefined: nowhere. */
  readonly httpaddr: string | undefined;
}

/** `http.tls.letsencrypt`; undefined without `cachefile`, as in Distribution. Mistakes are reported. */
export function letsEncryptConfig(parsed: Parsed | undefined, report: Report): LetsEncryptConfig | undefined {
  if (parsed?.cachefile === undefined) return undefined;
  const section = ["http", "tls", "letsencrypt"];
  const { cachefile, email, directoryurl = LETS_ENCRYPT } = parsed;
  if (!URL.canParse(directoryurl) || new URL(directoryurl).protocol !== "https:") {
    const message = `found ${quote(directoryurl)}; expected the https URL of an ACME directory`;
    report.error([...section, "directoryurl"], message);
  }
  const httpaddr = parsed.httpaddr === "" ? undefined : parsed.httpaddr;
  return { cachefile, email, hosts: hostsOf(parsed.hosts, section, report), directoryurl, httpaddr };
}

function hostsOf(names: readonly string[], section: readonly string[], report: Report): readonly string[] {
  const path = [...section, "hosts"];
  if (names.length === 0) {
    const message =
      "missing; name the hosts that get a certificate, such as registry.example (Distribution starts without, and then refuses every connection)";
    report.error(path, message);
  }
  if (names.length > MOST_HOSTS) report.error(path, `found ${names.length} hosts; expected at most ${MOST_HOSTS}`);
  const hosts = names.map((name, index) => {
    const host = domainToASCII(name.replace(/\.$/, ""));
    const problem = problemOf(name, host);
    if (problem !== undefined) report.error([...path, index], `found ${quote(name)}; ${problem}`);
    return host;
  });
  return [...new Set(hosts)];
}

function problemOf(name: string, host: string): string | undefined {
  if (name.includes("*")) {
    return "a wildcard needs a DNS challenge, which isn't supported; name each host, or set certificate and key";
  }
  if (isIP(name) !== 0 || isIP(host) !== 0) return "expected a name, because authorities vouch for names";
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host) || host.length > LONGEST_HOST) {
    return "expected a host name without scheme, port and path, such as registry.example";
  }
  return undefined;
}
