import { DAY, SECOND } from "@longshore/base/duration";
import { GIB, KIB, MIB } from "@longshore/base/size";
import { boundedDuration, key, looseInteger, optionalLooseInteger, text, textOr } from "@longshore/options/declare";
import { refuse } from "@longshore/options/kind";
import { Secret } from "@longshore/options/secret";
import { z } from "zod";
import { serviceOptions } from "../objects/options.js";

const OURS = { ours: true };
/** Distribution sends multiples of this size. */
const CHUNK = 256 * KIB;
/** Distribution's minimum: smaller numbers mean this one. */
const LEAST_CONCURRENCY = 25;

/** Whatever a key file has; one secret as a whole. */
const credentials = key(
  z
    .record(z.string(), z.unknown())
    .transform((map) => new Secret(JSON.stringify(map)))
    .optional(),
  {
    meaning: "The content of a service account's key file, in place of `keyfile`.",
    type: "map",
    allowed: "a map",
    untyped: true,
    unknownKeys: "allowed",
    secret: true,
  },
);

const service = serviceOptions();

const where = {
  bucket: text("The bucket. It must exist. Required."),
  rootdirectory: textOr("", "What all names begin with.", { fallback: undefined, aliases: ["prefix"] }),
  serviceurl: textOr("https://storage.googleapis.com", "The service's address, such as a private endpoint.", {
    aliases: ["endpoint", "apiendpoint"],
    ...OURS,
  }),
};

const who = {
  keyfile: text(
    "The file with a service account's key (JSON). Without it and `credentials`, Google's library finds what the environment has: `GOOGLE_APPLICATION_CREDENTIALS`, workload identity, the machine's service account.",
    { file: "read" },
  ),
  credentials,
  useragent: textOr("", "Added to the `User-Agent` of requests.", { fallback: undefined }),
};

const transfers = {
  chunksize: looseInteger(
    16 * MIB,
    { min: CHUNK, max: 2 * GIB },
    "Bytes of a part of an upload, a multiple of 262144; less than 5 MiB counts as 5 MiB. Parts of very large blobs are larger.",
  ),
  maxconcurrency: looseInteger(
    50,
    {},
    "Calls of a worker to the service at a time, without downloads that have begun; fewer than 25 count as 25.",
  ),
  uploadbuffers: optionalLooseInteger(
    { min: 16 * MIB, max: 1024 * GIB },
    "Bytes that the parts of all uploads of a worker take in memory; with many uploads, each waits for its turn.",
    { fallback: "134217728, or twice `chunksize` if that is more", ...OURS },
  ),
  redirectexpiry: boundedDuration(
    "20m",
    { min: SECOND, max: 7 * DAY },
    "How long a signed address is valid; at most 12 hours where Google's service signs, because there is no key.",
    OURS,
  ),
  maxsockets: service.maxsockets,
};

const faults = {
  connecttimeout: service.connecttimeout,
  requesttimeout: service.requesttimeout,
  retrydeadline: service.retrydeadline,
  maxattempts: service.maxattempts,
  circuitthreshold: service.circuitthreshold,
  circuittime: service.circuittime,
};

/** The options of `storage.gcs` (wire contract §6.5). */
export const options = { ...where, ...who, ...transfers, ...faults };

/** As they are written, each read by itself. */
export type DeclaredOptions = z.output<z.ZodObject<typeof options>>;

/** Where the driver's credentials are. */
export type GcsLogin =
  | { readonly by: "file"; readonly file: string }
  /** What such a file has. */
  | { readonly by: "content"; readonly content: Secret }
  /** With what the environment has. */
  | { readonly by: "environment" };

/**
 * What the driver is made with: the options as the configuration spells them, and what several of them mean together. Sizes in
 * bytes, times in milliseconds.
 */
export interface GcsOptions extends Readonly<Omit<DeclaredOptions, "keyfile" | "credentials">> {
  readonly bucket: string;
  readonly login: GcsLogin;
  readonly uploadbuffers: number;
}

type Wrong = (option: string, message: string) => void;

/** Checks options against each other; what can't work is reported to `context`. */
export function completeOptions(declared: DeclaredOptions, context: z.core.$RefinementCtx): GcsOptions {
  const wrong: Wrong = (option, message) => refuse(context, option, message);
  const { bucket = "", chunksize, serviceurl, rootdirectory, maxconcurrency, uploadbuffers } = declared;
  if (bucket === "") wrong("bucket", "no bucket parameter provided");
  if (chunksize % CHUNK !== 0) wrong("chunksize", `the chunksize parameter should be a multiple of ${CHUNK}`);
  return {
    ...declared,
    bucket,
    serviceurl: serviceUrlOf(serviceurl, wrong),
    rootdirectory: rootdirectory.replace(/^\/+|\/+$/g, ""),
    login: loginOf(declared),
    maxconcurrency: Math.max(LEAST_CONCURRENCY, maxconcurrency),
    uploadbuffers: uploadbuffers ?? Math.max(128 * MIB, 2 * chunksize),
  };
}

function serviceUrlOf(given: string, wrong: Wrong): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.username + url.search === "") {
    return url.origin;
  }
  wrong("serviceurl", "the serviceurl parameter should be a URL such as https://storage.googleapis.com");
  return "http://unknown.invalid";
}

/** As in Distribution, `keyfile` counts before `credentials`. */
function loginOf({ keyfile, credentials: given }: DeclaredOptions): GcsLogin {
  if (keyfile !== undefined) return { by: "file", file: keyfile };
  if (given === undefined) return { by: "environment" };
  return { by: "content", content: given };
}
