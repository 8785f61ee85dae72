import { z } from "zod";
import { isNetwork } from "@longshore/base/network";
import { GIB, KIB, MIB } from "@longshore/base/size";
import {
  duration,
  flag,
  integer,
  key,
  type Unsupported,
  list,
  section,
  text,
  timeOfDay,
} from "@longshore/options/declare";
import { describeKinds, namesOf } from "@longshore/options/kind";
import { CACHE_KINDS, DRIVER_KINDS, UNAVAILABLE_DRIVERS } from "@longshore/storage";

const OURS = { ours: true };

/** One optional section for each name of a storage driver. */
const drivers = Object.fromEntries(
  [...namesOf(DRIVER_KINDS)].map(([name, kind]) => [name, kind.section(name).nullish()]),
);

/** Distribution's drivers that aren't supported, with the names of their options for editors and the reference. */
const unavailable = Object.fromEntries(
  UNAVAILABLE_DRIVERS.map(({ name, meaning, options, instead }) => {
    const shape = Object.fromEntries(
      options.map((option) => [option, key(z.unknown(), { meaning: "", type: "any", allowed: "" })]),
    );
    const unsupported: Unsupported = {
      when: "present",
      what: `the storage driver ${name}`,
      instead,
    };
    return [name, section(shape, meaning, { untyped: true, unknownKeys: "allowed", unsupported }).nullish()];
  }),
);

/** Every cache is bounded: this is what "no limit" means. */
const MOST_DESCRIPTORS = 1_000_000;

function cacheName(meaning: string) {
  const names = [...namesOf(CACHE_KINDS).keys()];
  return key(z.enum(names).optional(), {
    meaning,
    type: names.map((name) => `\`${name}\``).join(", "),
    allowed: `${names.join(" or ")}; remove the key to disable the cache`,
  });
}

const cache = section(
  {
    blobdescriptor: cacheName(`Where blob sizes are cached. ${describeKinds(CACHE_KINDS)}`),
    layerinfo: cacheName("Older name of `blobdescriptor`."),
    blobdescriptorsize: key(
      z
        .int()
        .max(MOST_DESCRIPTORS)
        .transform((value) => (value > 0 ? value : MOST_DESCRIPTORS))
        .prefault(10_000),
      {
        meaning: "The number of descriptors that a process caches; 0 or less means 1,000,000.",
        type: "integer",
        allowed: "a whole number, at most 1000000",
        fallback: "10000",
      },
    ),
    manifestbytes: integer(
      64 * MIB,
      { min: 0, max: 16 * GIB },
      "The size of each process's manifest cache in bytes; 0 disables it.",
      { ours: true },
    ),
    sharedmanifestsize: integer(
      64 * KIB,
      { min: 0, max: 4 * MIB },
      "The size in bytes of the largest manifest kept in Redis; 0 means none.",
      { ours: true },
    ),
  },
  "Caches.",
  { untyped: true },
).prefault({});

const uploadpurging = section(
  {
    enabled: flag(true, "Removes abandoned upload sessions."),
    age: duration("168h", "The age at which a session counts as abandoned.", { max: Infinity, textOnly: true }),
    interval: duration("24h", "Time between two runs.", { min: 1000, max: Infinity, textOnly: true }),
    dryrun: flag(false, "Only logs what would be removed."),
  },
  "Removal of abandoned uploads. Unlike in Distribution, keys that aren't set have their defaults.",
  { untyped: true },
).prefault({});

const gc = section(
  {
    enabled: flag(false, "Removes blobs that no manifest refers to, while the registry is serving.", OURS),
    interval: duration("24h", "Time between two collections.", { min: 1000, max: Infinity, textOnly: true }, OURS),
    timeofday: timeOfDay(
      "When the first collection starts, in UTC, such as `03:30`; by default after a random time of up to an hour.",
      OURS,
    ),
    graceperiod: duration(
      "1h",
      "Keeps everything that was pushed, or that a pushing client asked for, within this time. Must be longer than the longest push, from its first blob to its manifest. `registry garbage-collect` uses it too.",
      { max: Infinity, textOnly: true },
      OURS,
    ),
    deleteuntagged: section(
      {
        enabled: flag(false, "Also removes manifests that are untagged and not needed by anything tagged.", OURS),
        age: duration(
          "24h",
          "How long after its push such a manifest is kept.",
          { max: Infinity, textOnly: true },
          OURS,
        ),
      },
      "Untagged manifests. Children of indexes and referrers of manifests that are kept are kept too.",
      { untyped: true, ...OURS },
    ).prefault({}),
    dryrun: flag(false, "Only logs what would be removed.", OURS),
    workdirectory: text(
      "A local directory for lists that don't fit into memory, about 100 bytes per blob; by default below the system's temporary directory.",
      OURS,
    ),
  },
  "Garbage collection while serving, by one process of each registry that enables it.",
  { untyped: true, ...OURS },
).prefault({});

const scrub = section(
  {
    enabled: flag(
      false,
      "Reads everything that is stored, and reports what is damaged, while the registry is serving.",
      OURS,
    ),
    interval: duration("168h", "Time between two scrubs.", { min: 1000, max: Infinity, textOnly: true }, OURS),
    timeofday: timeOfDay(
      "When the first scrub starts, in UTC, such as `03:30`; by default after a random time of up to an hour.",
      OURS,
    ),
    rate: integer(50 * MIB, { min: 1, max: 1024 * GIB }, "How many bytes of blobs are read in a second, at most.", {
      ours: true,
    }),
    quarantine: flag(
      false,
      "Moves damaged blobs aside, so that the next push of them is taken; over object storage only with conditional writes.",
      OURS,
    ),
    repair: flag(false, "Repairs links that are cut off, lists of referrers, and leftovers.", OURS),
  },
  "Scrubs while serving, by one process of each registry that enables it.",
  { untyped: true, ...OURS },
).prefault({});

const maintenance = section(
  {
    uploadpurging,
    gc,
    scrub,
    readonly: section({ enabled: flag(false, "Refuses every push and delete with 405.") }, "Read-only mode.", {
      untyped: true,
    }).prefault({}),
  },
  "Maintenance.",
  { untyped: true },
).prefault({});

const network = key(z.string().refine(isNetwork), {
  meaning: "",
  type: "string",
  allowed: "an address, or a network such as 10.0.0.0/8",
});

const redirectRule = section(
  {
    networks: key(z.array(network).min(1), {
      meaning: "Addresses and networks of clients, such as `10.0.0.0/8`.",
      type: "list of strings",
      allowed: "a list of addresses and networks",
    }),
    disable: key(z.boolean(), {
      meaning: "Whether these clients are served by the registry instead of being redirected.",
      type: "boolean",
      allowed: "true or false, without quotes",
    }),
  },
  "A rule.",
  { untyped: true },
);

const redirect = section(
  {
    disable: flag(false, "Never redirects blob requests to the storage."),
    clients: list(
      redirectRule,
      "Rules by client address (see `http.trustedproxies`). The first rule with the client's network decides; if there is none, `disable` does.",
      { type: "list of maps", ...OURS },
    ),
  },
  "Redirects: clients fetch blobs directly from the storage, if it supports that (`s3`, `middleware.storage`).",
  { untyped: true },
).prefault({});

export const storage = section(
  {
    ...drivers,
    ...unavailable,
    delete: section({ enabled: flag(false, "Allows `DELETE` of tags, manifests and blobs.") }, "Deletion.", {
      untyped: true,
    }).prefault({}),
    redirect,
    cache,
    maintenance,
    tag: section(
      {
        concurrencylimit: integer(
          0,
          { min: 0, max: 10_000 },
          "Parallel reads of tag links; 0 means the number of cores.",
        ),
      },
      "Tags.",
      { untyped: true },
    ).prefault({}),
  },
  "Exactly one driver, and options common to all. A driver's name alone (`storage: inmemory`) is enough if it needs no options.",
  { untyped: true, unknownKeys: "error" },
);

/** The keys of `storage` that name a driver. */
export const DRIVERS: readonly string[] = [...Object.keys(drivers), ...Object.keys(unavailable)];
