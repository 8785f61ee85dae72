import { z } from "zod";
import { isNetwork } from "../../http/networks.js";
import { duration, flag, integer, key, type Later, list, type Range, section, text } from "./kit.js";
import { s3, s3aws } from "./s3.js";

/** A parameter in an untyped map: the original turns whatever scalar stands there into a text. */
function anyScalar(meaning: string, fallback?: string) {
  const schema = z.union([z.string(), z.number(), z.boolean()]).transform(String).optional();
  return key(schema, { meaning, type: "text", allowed: "a text", fallback });
}

/** An integer, or a text with one, as the filesystem driver accepts it. */
function looseInteger(fallback: number, { min, max }: Range, meaning: string, extra: { ours?: boolean } = {}) {
  const schema = z
    .union([z.int(), z.string().regex(/^[-+]?[0-9]{1,15}$/)])
    .transform(Number)
    .refine((value) => value >= (min ?? -Infinity) && value <= (max ?? Infinity))
    .default(fallback);
  const range = min === undefined || max === undefined ? "" : ` from ${min} to ${max}`;
  return key(schema, {
    meaning,
    type: "integer",
    allowed: `a whole number${range}`,
    fallback: String(fallback),
    ...extra,
  });
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const OURS = { ours: true };

const filesystem = section(
  {
    rootdirectory: anyScalar(
      "The directory that holds `docker/registry/v2`. Made when it isn't there.",
      "/var/lib/registry",
    ),
    maxthreads: looseInteger(100, {}, "File operations at a time; fewer than 25 count as 25."),
    buffersize: looseInteger(
      MIB,
      { min: 64 * KIB, max: 16 * MIB },
      "Bytes read or written at once. A download has two such buffers while `readbuffers` has room.",
      OURS,
    ),
    readbuffers: looseInteger(
      32 * MIB,
      { min: MIB, max: 64 * GIB },
      "Bytes that the buffers of all downloads of a worker take together; with many downloads each has smaller ones.",
      OURS,
    ),
    writebuffers: looseInteger(
      32 * MIB,
      { min: MIB, max: 64 * GIB },
      "Bytes that all uploads of a worker gather before they are written; with many uploads each gathers fewer.",
      OURS,
    ),
    filecache: looseInteger(
      32 * MIB,
      { min: 0, max: 64 * GIB },
      "Bytes of small files that a worker remembers, each checked by a `stat` when it is used; 0: none.",
      OURS,
    ),
    namecache: looseInteger(
      200_000,
      { min: 0, max: 100_000_000 },
      "Names in listed directories that a worker remembers, checked likewise; 0: none.",
      OURS,
    ),
  },
  "A directory of this machine.",
  { untyped: true },
).nullish();

const inmemory = section({}, "Memory: everything is lost at the end. One worker, since processes share no memory.", {
  untyped: true,
}).nullish();

function later(name: string): Later {
  return {
    when: "present",
    what: `the storage driver ${name}`,
    instead: "use storage.filesystem or storage.s3, or stay with the original until this driver is here",
  };
}

/** A driver of the original with the names of its parameters, so that editors and the reference know them. */
function laterDriver(name: string, parameters: string, meaning: string) {
  const shape = Object.fromEntries(
    parameters.split(" ").map((parameter) => [parameter, key(z.unknown(), { meaning: "", type: "any", allowed: "" })]),
  );
  return section(shape, meaning, { untyped: true, unknownKeys: "allowed", later: later(name) }).nullish();
}

function cacheName(meaning: string) {
  return key(z.enum(["inmemory", "redis"]).optional(), {
    meaning,
    type: "`inmemory`, `redis`",
    allowed: "inmemory or redis, or no such key for no cache",
  });
}

const cache = section(
  {
    blobdescriptor: cacheName(
      "Where sizes of blobs are remembered: `inmemory`, in each process, over object storage (a file system is asked itself, " +
        "which is as fast); `redis`: there as well, and also links, tags and small manifests, for all replicas together.",
    ),
    layerinfo: cacheName("Older name of `blobdescriptor`."),
    blobdescriptorsize: integer(
      10_000,
      { max: 1_000_000 },
      "Descriptors that a process remembers; 0 or less: 1,000,000.",
    ),
    manifestbytes: integer(
      64 * MIB,
      { min: 0, max: 16 * GIB },
      "Bytes of manifests that a process remembers by digest; 0: none.",
      { ours: true },
    ),
    sharedmanifestsize: integer(
      64 * KIB,
      { min: 0, max: 4 * MIB },
      "Bytes of the largest manifest that is kept in Redis; 0: none is.",
      { ours: true },
    ),
  },
  "Caches.",
  { untyped: true },
).prefault({});

const uploadpurging = section(
  {
    enabled: flag(true, "Removes abandoned upload sessions."),
    age: duration("168h", "How old an abandoned session gets.", { max: Infinity, textOnly: true }),
    interval: duration("24h", "Time between two looks.", { min: 1000, max: Infinity, textOnly: true }),
    dryrun: flag(false, "Only logs what would be removed."),
  },
  "Removal of abandoned uploads. Unlike in the original, keys that are not given have their defaults.",
  { untyped: true },
).prefault({});

const gc = section(
  {
    enabled: flag(false, "Removes blobs that no manifest refers to, while serving.", OURS),
    interval: duration("24h", "Time between two collections.", { min: 1000, max: Infinity, textOnly: true }, OURS),
    timeofday: key(
      z
        .string()
        .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/)
        .optional(),
      {
        meaning:
          "When the first collection begins, in UTC, such as `03:30`; without it after a random time of up to an hour.",
        type: "text",
        allowed: 'a time of day such as "03:30"',
        ...OURS,
      },
    ),
    graceperiod: duration(
      "1h",
      "What was pushed, or asked for by a pusher, within this time stays. Longer than the longest push: from its first blob to its " +
        "manifest. `registry garbage-collect` uses it, too.",
      { max: Infinity, textOnly: true },
      OURS,
    ),
    deleteuntagged: section(
      {
        enabled: flag(false, "Also removes manifests that no tag leads to and that nothing tagged needs.", OURS),
        age: duration("24h", "How old such a manifest's push gets.", { max: Infinity, textOnly: true }, OURS),
      },
      "Untagged manifests. Children of indexes and referrers of what is kept are kept.",
      { untyped: true, ...OURS },
    ).prefault({}),
    dryrun: flag(false, "Only logs what would be removed.", OURS),
    workdirectory: text(
      "A directory of this machine for lists that don't fit into memory, some 100 bytes for each blob; below the system's " +
        "temporary directory where absent.",
      OURS,
    ),
  },
  "Garbage collection while serving, by one process of each registry that has it enabled.",
  { untyped: true, ...OURS },
).prefault({});

const maintenance = section(
  {
    uploadpurging,
    gc,
    readonly: section({ enabled: flag(false, "Refuses every push and delete with 405.") }, "Read-only mode.", {
      untyped: true,
    }).prefault({}),
  },
  "Maintenance.",
  { untyped: true },
).prefault({});

const network = key(z.string().refine(isNetwork), {
  meaning: "",
  type: "text",
  allowed: "an address, or a network such as 10.0.0.0/8",
});

const redirectRule = section(
  {
    networks: key(z.array(network).min(1), {
      meaning: "Addresses and networks of clients, such as `10.0.0.0/8`.",
      type: "list of texts",
      allowed: "a list of addresses and networks",
    }),
    disable: key(z.boolean(), {
      meaning: "Whether these are served from here instead of being redirected.",
      type: "boolean",
      allowed: "true or false, without quotes",
    }),
  },
  "A rule.",
  { untyped: true },
);

const redirect = section(
  {
    disable: flag(false, "Never answers a blob request with a redirect to the storage."),
    clients: list(
      redirectRule,
      "Rules for clients by their address, which is the one of `http.trustedproxies`: the first rule with the client's network " +
        "decides, `disable` where there is none.",
      { type: "list of maps", ...OURS },
    ),
  },
  "Redirects: clients fetch blobs from the storage itself, where it can be addressed (`s3`, `middleware.storage`).",
  { untyped: true },
).prefault({});

export const storage = section(
  {
    filesystem,
    inmemory,
    s3,
    s3aws,
    gcs: laterDriver(
      "gcs",
      "bucket keyfile credentials rootdirectory chunksize maxconcurrency useragent",
      "Google Cloud Storage.",
    ),
    azure: laterDriver(
      "azure",
      "accountname accountkey container credentials realm serviceurl rootdirectory max_retries retry_delay skipverify connectionstring",
      "Azure Blob Storage.",
    ),
    swift: laterDriver(
      "swift",
      "authurl username password region container tenant tenantid domain domainid trustid insecureskipverify chunksize prefix " +
        "secretkey accesskey authversion endpointtype rootdirectory",
      "OpenStack Swift (only in `registry:2`).",
    ),
    oss: laterDriver(
      "oss",
      "accesskeyid accesskeysecret region bucket endpoint internal encrypt secure chunksize rootdirectory encryptionkeyid",
      "Aliyun OSS (only in `registry:2`).",
    ),
    delete: section({ enabled: flag(false, "Allows `DELETE` of tags, manifests and blobs.") }, "Deletion.", {
      untyped: true,
    }).prefault({}),
    redirect,
    cache,
    maintenance,
    tag: section(
      {
        concurrencylimit: integer(0, { min: 0, max: 10_000 }, "Parallel reads of tag links; 0: the number of cores."),
      },
      "Tags.",
      { untyped: true },
    ).prefault({}),
  },
  "Exactly one driver, and what concerns them all. A driver's name alone (`storage: inmemory`) is enough when it needs no key.",
  { untyped: true, unknownKeys: "error" },
);

/** The keys of `storage` that name a driver. */
export const DRIVERS = ["filesystem", "inmemory", "s3", "s3aws", "gcs", "azure", "swift", "oss"] as const;
