import type { Remark } from "@longshore/options/kind";
import { parseJwkSet } from "../../keys/jwk-set.js";
import { describeNoCertificates, parsePemBundle, type ItemProblem } from "../../keys/pem-bundle.js";
import { readConfigFile } from "../../keys/read-config-file.js";
import { isUrl, type TokenOptions } from "./token-options.js";

/** Checks the key files. A JWK set at a URL is not fetched: the issuer may start later than the registry. */
export async function verifyKeys(options: Pick<TokenOptions, "jwks" | "rootcertbundle">): Promise<readonly Remark[]> {
  const { jwks, rootcertbundle } = options;
  return [
    ...(rootcertbundle === undefined ? [] : await verifyFile(BUNDLE, rootcertbundle)),
    ...(jwks === undefined || isUrl(jwks) ? [] : await verifyFile(JWKS, jwks)),
  ];
}

interface Keys {
  readonly found: number;
  readonly problems: readonly ItemProblem[];
}

interface KeyFile {
  readonly option: string;
  /** Of a broken entry: a bundle with one keeps the registry from starting; of a key set only that entry is left out. */
  readonly severity: Remark["severity"];
  readonly parse: (bytes: Buffer) => Keys;
  readonly describeEmpty: (bytes: Buffer, file: string) => string;
}

const NOTHING_USABLE = "holds no key that can verify a token";

const BUNDLE: KeyFile = {
  option: "rootcertbundle",
  severity: "error",
  parse(bytes) {
    const { certificates, problems } = parsePemBundle(bytes);
    return { found: certificates.length, problems };
  },
  describeEmpty: describeNoCertificates,
};

const JWKS: KeyFile = {
  option: "jwks",
  severity: "warning",
  parse(bytes) {
    const { keys, problems } = parseJwkSet(bytes.toString("utf8"));
    return { found: keys.length, problems };
  },
  describeEmpty: () => NOTHING_USABLE,
};

async function verifyFile({ option, severity, parse, describeEmpty }: KeyFile, file: string): Promise<Remark[]> {
  const path = [option];
  const fault = (message: string): Remark => ({ severity: "error", path, message: `${file}${message}` });
  const bytes = await readConfigFile(path, file);
  if (bytes === "missing") return [fault(" can't be read (ENOENT)")];
  if (!Buffer.isBuffer(bytes)) return [bytes];
  try {
    const { found, problems } = parse(bytes);
    const remarks = problems.map(({ item, reason }): Remark => ({
      severity,
      path,
      message: `${file}: entry ${item}: ${reason}`,
    }));
    if (found > 0) return remarks;
    return [...remarks, fault(` ${remarks.length === 0 ? describeEmpty(bytes, file) : NOTHING_USABLE}`)];
  } catch (error) {
    return [fault(`: ${error instanceof Error ? error.message : "it can't be read"}`)];
  }
}
