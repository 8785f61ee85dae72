import type { Report } from "./report.js";
import type { DockerAuth } from "./grammar.js";

/** Go's numbers of the cipher suites, which a file may give in place of names. */
const SUITES: Readonly<Record<number, string>> = {
  0x0005: "TLS_RSA_WITH_RC4_128_SHA",
  0x000a: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
  0x002f: "TLS_RSA_WITH_AES_128_CBC_SHA",
  0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
  0x009c: "TLS_RSA_WITH_AES_128_GCM_SHA256",
  0x009d: "TLS_RSA_WITH_AES_256_GCM_SHA384",
  0xc009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
  0xc00a: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
  0xc012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
  0xc013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
  0xc014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
  0xc02b: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  0xc02c: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  0xc02f: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  0xc030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  0xcca8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  0xcca9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  0x1301: "TLS_AES_128_GCM_SHA256",
  0x1302: "TLS_AES_256_GCM_SHA384",
  0x1303: "TLS_CHACHA20_POLY1305_SHA256",
};

const CURVES: Readonly<Record<number, string>> = { 23: "P256", 24: "P384", 25: "P521", 29: "X25519" };

const VERSIONS: Readonly<Record<string, string>> = {
  TLS12: "tls1.2",
  TLS13: "tls1.3",
  771: "tls1.2",
  772: "tls1.3",
};

/** Suites that are broken, or that no client needs: OpenSSL doesn't offer them, or the registry doesn't. */
const NOT_OFFERED = /RC4|_CBC_SHA256$|FALLBACK_SCSV/;

/** `http.tls` by `server`. What can't be taken over is reported. */
export function tlsOf({ server }: DockerAuth, report: Report): Readonly<Record<string, unknown>> {
  const { certificate, key, tls_min_version: version } = server;
  const minimum = version === undefined ? undefined : VERSIONS[numeral(version) ?? version];
  if (version !== undefined && minimum === undefined)
    report.error(
      ["server", "tls_min_version"],
      "is none of TLS12 and TLS13; older versions are broken and not offered",
    );
  const suites = server.tls_cipher_suites.flatMap((suite, index) => suiteOf(suite, index, report));
  if (minimum === "tls1.3" && suites.length > 0)
    report.error(["server", "tls_cipher_suites"], "suites can't be chosen with TLS13; remove them");
  const curves = server.tls_curve_preferences.flatMap((curve, index) => {
    const name = CURVES[Number(curve)] ?? curve;
    if (Object.values(CURVES).includes(name)) return [name];
    report.error(["server", "tls_curve_preferences", index], `is none of ${Object.values(CURVES).join(", ")}`);
    return [];
  });
  return {
    certificate,
    key,
    ...(minimum === undefined ? {} : { minimumtls: minimum }),
    ...(suites.length === 0 ? {} : { ciphersuites: suites }),
    ...(curves.length === 0 ? {} : { curves }),
  };
}

function suiteOf(written: string, index: number, report: Report): readonly string[] {
  const known = SUITES[Number(written)] ?? written;
  // docker_auth spells these as Go once did.
  const name = known.endsWith("_CHACHA20_POLY1305") ? `${known}_SHA256` : known;
  if (Object.values(SUITES).includes(name) && !NOT_OFFERED.test(name)) return [name];
  report.error(
    ["server", "tls_cipher_suites", index],
    "isn't offered; remove it, and name a suite such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  );
  return [];
}

/** The decimal form of a number. */
function numeral(text: string): string | undefined {
  return /^(?:\d+|0x[\da-f]+)$/i.test(text) ? String(Number(text)) : undefined;
}
