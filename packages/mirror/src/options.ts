import { HOUR, MINUTE, SECOND } from "@longshore/base/duration";
import { TIB } from "@longshore/base/size";
import {
  choice,
  duration,
  flag,
  integer,
  key,
  list,
  looseInteger,
  optionalChoice,
  requiredText,
  section,
  text,
  textList,
  timeOfDay,
} from "@longshore/options/declare";
import { z } from "zod";
import { checkUpstreamOptions, UPSTREAM_OPTIONS } from "./upstream/options.js";

const OURS = { ours: true };
const LISTS = ["cached", "upstream"] as const;

/** What both the one upstream of `proxy` and each of `proxy.upstreams` have beside how it is reached. */
const MIRROR_OPTIONS = {
  freshness: duration(
    "0",
    "For how long a tag that was compared with the upstream's is served without another comparison, which is a `HEAD`, and a " +
      "catalog that was read there without another reading; 0: each pull by tag compares, as in Distribution.",
    { max: 24 * 30 * HOUR },
    OURS,
  ),
  missingtags: choice(
    ["keep", "follow"],
    "keep",
    "What happens to a cached tag that the upstream no longer has: it stays (`keep`) or is removed, too (`follow`).",
    OURS,
  ),
  taglists: optionalChoice(
    LISTS,
    "What `tags/list` returns: the cached tags, or the upstream's. By default the upstream's, as in Distribution.",
    OURS,
  ),
  catalog: choice(
    LISTS,
    "cached",
    "Which of its repositories `_catalog` lists: those that are cached here, or also all that the upstream's own `_catalog` lists and " +
      "that may be mirrored. It is read again after `freshness`.",
    OURS,
  ),
  allow: textList(
    "Repositories, by their names at the upstream, that may be mirrored: patterns such as `library/*` (a star stops at a slash, " +
      "`**` doesn't), or between slashes an RE2 regular expression that matches all of the name. Without any: all.",
    OURS,
  ),
  deny: textList("Repositories that may not be mirrored, as patterns; takes precedence over `allow`.", OURS),
  maxblobbytes: looseInteger(
    0,
    { min: 0, max: 1024 * TIB },
    "The largest blob that is fetched, in bytes; clients that ask for a larger one get 502 and a message. 0: no limit.",
    OURS,
  ),
  hidden: flag(false, "Hides the origin of content from clients: no error or warning names the upstream.", OURS),
};

const UPSTREAM_MEANING = "An upstream.";

const upstreamSection = section(
  {
    prefix: key(
      z.string().regex(/^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/),
      {
        meaning:
          "The first part of its repositories' names here: `docker.io` makes `library/alpine` there `docker.io/library/alpine` here.",
        type: "text",
        allowed: "a part of a repository's name, such as docker.io or mirrors/hub",
      },
    ),
    hosts: textList(
      "Hosts, with a port if needed, that containerd may send in `ns=` for it, besides the prefix and the host of `remoteurl`.",
    ),
    ...UPSTREAM_OPTIONS,
    ...MIRROR_OPTIONS,
  },
  UPSTREAM_MEANING,
);

const upstream = key(upstreamSection.transform(checked), {
  meaning: UPSTREAM_MEANING,
  type: "map",
  allowed: "a map",
  unknownKeys: "error",
  ...OURS,
});

/** Reports what concerns several options, and changes nothing. */
function checked<T extends z.output<z.ZodObject<typeof UPSTREAM_OPTIONS>>>(
  options: T,
  context: z.core.$RefinementCtx,
): T {
  checkUpstreamOptions(options, context);
  return options;
}

const SYNC_ENTRY_MEANING = "What is copied from one registry.";

const syncEntry = key(
  section(
    {
      source: requiredText(
        "A registry and a repository, with tags after a colon, as `registry mirror copy` takes them: `docker.io/library/alpine:3.*,latest`. Both " +
          "parts may be patterns; without tags all are copied.",
      ),
      destination: text(
        "The repository here, or with a pattern of repositories what stands before their names; `.` for the names at the source.",
        { fallback: "where the upstream among `upstreams` with the source's host has it, otherwise `.`" },
      ),
      platforms: textList("Only these platforms of images, such as `linux/amd64`. By default all."),
      referrers: flag(true, "Copies signatures, SBOMs and what else refers to an image."),
    },
    SYNC_ENTRY_MEANING,
  ),
  { meaning: SYNC_ENTRY_MEANING, type: "map", allowed: "a map", unknownKeys: "error", ...OURS },
);

const sync = section(
  {
    interval: duration("24h", "Time between two runs.", { min: SECOND, max: Infinity, textOnly: true }),
    timeofday: timeOfDay(
      "When the first run starts, in UTC, such as `03:30`; by default after a random time of up to an hour.",
    ),
    jobs: integer(4, { min: 1, max: 64 }, "Transfers at the same time."),
    full: flag(false, "Looks at everything again, also below tags that haven't changed."),
    entries: list(
      syncEntry,
      "What is copied, one entry after the other. A registry is reached as the upstream with its host says, any other without a user.",
      {
        type: "list of maps",
      },
    ),
  },
  "Copies of repositories that are kept up to date, by one process of all that share the storage; `registry mirror sync` runs them at once.",
  OURS,
).prefault({});

const PROXY_MEANING = "Pull-through cache. Nothing happens without `remoteurl` or `upstreams`.";

const proxySection = section(
  {
    ...UPSTREAM_OPTIONS,
    ttl: duration("168h", "How long content that no client requests is kept; 0: forever.", { max: Infinity }),
    cachewritetimeout: duration("5m", "How long a download continues after its last client has left; 0: the default."),
    ...MIRROR_OPTIONS,
    upstreams: list(
      upstream,
      "Registries that are mirrored alongside this registry's own repositories, each below a prefix. Not together with `remoteurl`.",
      { type: "list of maps", ...OURS },
    ),
    ownhosts: textList(
      "Hosts of this registry itself, which containerd may send in `ns=` for its own repositories.",
      OURS,
    ),
    refusals: duration(
      "10s",
      "How long it is remembered that an upstream doesn't have or refuses something; 0: each request asks again.",
      { max: HOUR },
      OURS,
    ),
    maxbytes: looseInteger(
      0,
      { min: 0, max: 1024 * TIB },
      "The most bytes of cached blobs and manifests, above which the least recently used are removed; 0: no limit.",
      OURS,
    ),
    pins: textList(
      "Repositories and tags that are never removed, as patterns like those of `allow`, by their names here: `docker.io/library/*:latest`.",
      OURS,
    ),
    sweep: duration("5m", "Time between two checks for content to remove.", { min: SECOND, max: 24 * HOUR }, OURS),
    replicawait: duration(
      "10s",
      "With storage that isn't a file system: how long a client waits for a blob that another replica is downloading, before this one downloads it " +
        "as well; 0: not at all.",
      { max: HOUR },
      OURS,
    ),
    sync,
    directory: text("Where downloads are kept until they are stored, if the storage isn't a file system.", {
      file: "write",
      fallback: "`longshore-mirror` in the system's temporary directory",
      ...OURS,
    }),
  },
  PROXY_MEANING,
);

/** `proxy` of the configuration. */
export const PROXY_SECTION = key(proxySection.transform(checked), {
  meaning: PROXY_MEANING,
  type: "map",
  allowed: "a map",
}).prefault({});

/** {@link PROXY_SECTION} as it was read. */
export type ProxyOptions = z.output<typeof PROXY_SECTION>;

/** What `cachewritetimeout: 0` means (ms). */
export const WRITE_TIMEOUT = 5 * MINUTE;
