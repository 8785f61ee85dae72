import { DAY, HOUR, SECOND } from "@longshore/base/duration";
import { GIB, MIB } from "@longshore/base/size";
import {
  boundedDuration,
  looseFlag,
  looseInteger,
  optionalChoice,
  optionalLooseFlag,
  optionalLooseInteger,
  secret,
  section,
  text,
  textOr,
} from "@longshore/options/declare";
import { refuse } from "@longshore/options/kind";
import type { z } from "zod";
import { serviceOptions } from "../objects/options.js";

const OURS = { ours: true };
/** The service accepts blocks of up to 4,000 MiB. */
const BLOCK = { min: 5 * MIB, max: 2 * GIB };

const credentialTypes = ["shared_key", "client_secret", "default_credentials", "default"] as const;

const credentials = section(
  {
    type: optionalChoice(
      credentialTypes,
      "How the registry logs in: with `accountkey`; as an application with a secret; or with what the environment has (variables, workload identity, managed identity). `default` is another name of `default_credentials`.",
      { fallback: "shared_key" },
    ),
    clientid: text("The application's id. For `client_secret`."),
    tenantid: text("The directory's id. For `client_secret`."),
    secret: secret("The application's secret. For `client_secret`."),
  },
  "Credentials other than an account key.",
);

const service = serviceOptions();

const where = {
  accountname: text("The storage account. Required."),
  container: text("The container. It must exist. Required."),
  realm: textOr("core.windows.net", "The domain of the service's addresses, such as `core.chinacloudapi.cn`."),
  serviceurl: text("The service's address.", { fallback: "https://<accountname>.blob.<realm>" }),
  rootdirectory: textOr("", "What all names begin with.", { fallback: undefined, aliases: ["prefix"] }),
  legacyrootprefix: optionalLooseFlag(
    "Whether names begin with a slash, as those of `registry:2` do. Counts without `rootdirectory` only.",
    { fallback: "whether the container has such names, and no others", ...OURS },
  ),
  skipverify: looseFlag(false, "Doesn't verify the service's certificate."),
};

const who = {
  accountkey: secret("A key of the account."),
  credentials: credentials.prefault({}),
  connectionstring: secret("Has no effect, as in Distribution."),
};

const transfers = {
  chunksize: looseInteger(
    10 * MIB,
    BLOCK,
    "Bytes of a block of an upload. Blocks of very large blobs are larger.",
    OURS,
  ),
  copychunksize: looseInteger(
    64 * MIB,
    BLOCK,
    "Bytes of a block that the service copies. Smaller blobs are copied at once.",
    OURS,
  ),
  copymaxconcurrency: looseInteger(32, { min: 1, max: 1000 }, "Blocks that the service copies at a time.", OURS),
  uploadbuffers: optionalLooseInteger(
    { min: 16 * MIB, max: 1024 * GIB },
    "Bytes that the blocks of all uploads of a worker take in memory; with many uploads, each waits for its turn.",
    { fallback: "134217728, or twice `chunksize` if that is more", ...OURS },
  ),
  redirectexpiry: boundedDuration("20m", { min: SECOND, max: DAY }, "How long a signed address is valid.", OURS),
  maxsockets: service.maxsockets,
};

const faults = {
  max_retries: looseInteger(
    5,
    { min: -1, max: 100 },
    "How often a failed request is repeated; -1: never. 0 means the default.",
    // In a variable's name, `_` stands between keys.
    { env: "MAXRETRIES" },
  ),
  retry_delay: boundedDuration(
    "100ms",
    { min: 1, max: HOUR },
    "The longest pause before the first repetition; it doubles with each.",
    { env: "RETRYDELAY" },
  ),
  requesttimeout: service.requesttimeout,
  retrydeadline: service.retrydeadline,
  circuitthreshold: service.circuitthreshold,
  circuittime: service.circuittime,
};

/** The options of `storage.azure` (wire contract §6.6). */
export const options = { ...where, ...who, ...transfers, ...faults };

/** As they are written, each read by itself. */
export type DeclaredOptions = z.output<z.ZodObject<typeof options>>;

/** How the driver logs in. */
type AzureLogin =
  | { readonly by: "key"; readonly key: string }
  | { readonly by: "client-secret"; readonly tenantId: string; readonly clientId: string; readonly secret: string }
  /** With what the environment has. */
  | { readonly by: "environment" };

type Replaced = "accountkey" | "credentials" | "connectionstring" | "realm" | "max_retries" | "retry_delay";

/**
 * What the Azure driver is made with: the options as the configuration spells them, and what several of them mean together.
 * Sizes in bytes, times in milliseconds.
 */
export interface AzureOptions extends Readonly<Omit<DeclaredOptions, Replaced>> {
  readonly accountname: string;
  readonly container: string;
  readonly serviceurl: string;
  readonly login: AzureLogin;
  readonly uploadbuffers: number;
  /** Attempts of a request, the first one included. */
  readonly attempts: number;
  /** The longest first pause between attempts. */
  readonly firstpause: number;
}

/** Checks options against each other; what can't work is reported to `context`. */
export function completeOptions(declared: DeclaredOptions, context: z.core.$RefinementCtx): AzureOptions {
  const wrong = (option: string, message: string): void => refuse(context, option, message);
  const { accountname = "", container = "", realm, max_retries, retry_delay } = declared;
  if (accountname === "") wrong("accountname", "no accountname parameter provided");
  if (container === "") wrong("container", "no container parameter provided");
  return {
    ...declared,
    accountname,
    container,
    serviceurl: serviceUrlOf(declared.serviceurl ?? `https://${accountname}.blob.${realm}`, wrong),
    login: loginOf(declared, wrong),
    rootdirectory: declared.rootdirectory.replace(/^\/+|\/+$/g, ""),
    uploadbuffers: declared.uploadbuffers ?? Math.max(128 * MIB, 2 * declared.chunksize),
    attempts: max_retries === -1 ? 1 : (max_retries === 0 ? DEFAULT_RETRIES : max_retries) + 1,
    firstpause: retry_delay,
  };
}

const DEFAULT_RETRIES = 5;

type Wrong = (option: string, message: string) => void;

function serviceUrlOf(given: string, wrong: Wrong): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.search === "" && url.username === "") {
    return given.replace(/\/+$/, "");
  }
  wrong("serviceurl", "the serviceurl parameter should be a URL such as https://account.blob.core.windows.net");
  return "http://unknown.invalid";
}

function loginOf(
  { accountkey, credentials: { type, clientid, tenantid, secret } }: DeclaredOptions,
  wrong: Wrong,
): AzureLogin {
  if (type === "default_credentials" || type === "default") return { by: "environment" };
  if (type === "client_secret") {
    if (clientid === undefined || tenantid === undefined || secret === undefined) {
      wrong("credentials", "client_secret needs clientid, tenantid and secret");
    }
    return { by: "client-secret", clientId: clientid ?? "", tenantId: tenantid ?? "", secret: secret?.reveal() ?? "" };
  }
  const key = accountkey?.reveal() ?? "";
  if (key === "") {
    wrong(
      "accountkey",
      "no accountkey parameter provided: set it, or credentials.type to client_secret or default_credentials",
    );
  } else if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) {
    wrong("accountkey", "the accountkey parameter should be one of the account's keys, in base64");
  }
  return { by: "key", key };
}
