import { duration, flag, type Later, section, text } from "./kit.js";

/** Sections of the original that work is still to bring: known key by key, and refused as soon as they would do something. */

function later(what: string, instead: string, when: Later["when"] = "set"): { later: Later } {
  return { later: { when, what, instead } };
}

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
