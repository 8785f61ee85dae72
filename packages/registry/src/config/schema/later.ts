import { type z } from "zod";
import { duration, flag, headers, integer, type Later, list, section, text, textList } from "./kit.js";

/** Sections of the original that work is still to bring: known key by key, and refused as soon as they would do something. */

function later(what: string, instead: string, when: Later["when"] = "set"): { later: Later } {
  return { later: { when, what, instead } };
}

const endpoint = section(
  {
    name: text("Its name in metrics."),
    disabled: flag(false, "Leaves this endpoint out."),
    url: text("Where events are posted."),
    headers: headers("Headers of each request.", { secret: true }),
    timeout: duration("1s", "For each request."),
    threshold: integer(10, {}, "Failures in a row before it waits."),
    backoff: duration("1s", "How long it waits then."),
    ignoredmediatypes: textList("Media types whose events are left out."),
    ignore: section(
      {
        mediatypes: textList("Media types whose events are left out."),
        actions: textList("Actions that are left out."),
      },
      "What is left out.",
    ).prefault({}),
  },
  "An endpoint.",
);

export const notifications = section(
  {
    events: section({ includereferences: flag(false, "Adds what a manifest refers to.") }, "Events.", {
      env: "EVENTCONFIG",
    }).prefault({}),
    endpoints: list(endpoint, "Who is told of pushes, pulls and deletes.", {
      type: "list of maps",
      ...later("notifications", "remove the endpoints or set disabled: true in each", "enabled-entries"),
    }),
  },
  "Notifications.",
).prefault({});

export const proxy = section(
  {
    remoteurl: text(
      "The registry that is mirrored.",
      later(
        "pulling through from another registry (proxy)",
        "remove proxy.remoteurl, or stay with the original for this mirror",
      ),
    ),
    username: text("The user there."),
    password: text("The password there.", { secret: true }),
    exec: section(
      { command: text("A program that knows the credentials."), lifetime: duration("0", "How long they are good.") },
      "Credentials from a program.",
    ).prefault({}),
    ttl: duration("168h", "How long content is kept; 0: for ever.", { max: Infinity }),
    cachewritetimeout: duration("5m", "For writing a blob to the storage."),
  },
  "Pull-through cache. Nothing happens without `remoteurl`.",
).prefault({});

const unusedText = (meaning: string) => text(meaning);
const unusedFlag = (meaning: string) => flag(false, meaning);
const unusedInteger = (meaning: string) => integer(0, {}, meaning);
const unusedDuration = (meaning: string) => duration("0", meaning, { min: -1, max: Infinity });

function each<S extends z.ZodType>(names: string, make: (meaning: string) => S): Record<string, S> {
  return Object.fromEntries(names.split(" ").map((name) => [name, make("As in the original.")]));
}

const REDIS = "remove the section; storage.cache.blobdescriptor: inmemory needs no Redis";

export const redis = section(
  {
    addrs: textList("Addresses of Redis. Nothing happens without them.", later("Redis", REDIS)),
    addr: text("The one address (`registry:2`).", later("Redis", REDIS)),
    ...each("username clientname mastername sentinelusername identitysuffix", unusedText),
    password: text("As in the original.", { secret: true }),
    sentinelpassword: text("As in the original.", { secret: true }),
    ...each("db protocol maxretries poolsize minidleconns maxidleconns maxactiveconns maxredirects", unusedInteger),
    ...each(
      "minretrybackoff maxretrybackoff dialtimeout readtimeout writetimeout pooltimeout connmaxidletime connmaxlifetime",
      unusedDuration,
    ),
    ...each(
      "contexttimeoutenabled poolfifo readonly routebylatency routerandomly disableidentity disableindentity unstableresp3",
      unusedFlag,
    ),
    tls: section(
      {
        enabled: flag(false, "TLS (`registry:2`)."),
        ...each("certificate key", unusedText),
        ...each("rootcas clientcas", (meaning) => textList(meaning)),
      },
      "TLS to Redis.",
    ).prefault({}),
    pool: section(
      { ...each("maxidle maxactive", unusedInteger), idletimeout: unusedDuration("As in the original.") },
      "Connections (`registry:2`).",
    ).prefault({}),
  },
  "Redis. Nothing happens without an address.",
  { envInline: "OPTIONS" },
).prefault({});

export const compatibility = section(
  {
    schema1: section(
      {
        enabled: flag(
          false,
          "Accepts Docker schema 1 manifests.",
          later(
            "pushes of Docker schema 1 manifests",
            "remove the key: registry:3 doesn't take them either; re-push such images with a newer client",
          ),
        ),
        signingkeyfile: text("Signs schema 1 manifests; has no effect."),
        trustkey: text("Signs schema 1 manifests; has no effect."),
      },
      "Docker schema 1.",
    ).prefault({}),
  },
  "Older formats (`registry:2`).",
).prefault({});

const REPORTING = "remove the key; errors are in the log";

export const reporting = section(
  {
    bugsnag: section(
      {
        apikey: text("Turns it on.", { secret: true, ...later("error reports to Bugsnag", REPORTING) }),
        releasestage: text("As in the original."),
        endpoint: text("As in the original."),
      },
      "Bugsnag.",
    ).prefault({}),
    newrelic: section(
      {
        licensekey: text("Turns it on.", { secret: true, ...later("reports to New Relic", REPORTING) }),
        name: text("As in the original."),
        verbose: flag(false, "As in the original."),
      },
      "New Relic.",
    ).prefault({}),
  },
  "Error reports (`registry:2`).",
).prefault({});
