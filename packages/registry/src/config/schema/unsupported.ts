import { flag, type Unsupported, section, text } from "@longshore/options/declare";

/**
 * Sections of Distribution that aren't supported yet. Their keys are known, and refused only if they would have an effect.
 */

function unsupported(what: string, instead: string, when: Unsupported["when"] = "set"): { unsupported: Unsupported } {
  return { unsupported: { when, what, instead } };
}

export const compatibility = section(
  {
    schema1: section(
      {
        enabled: flag(
          false,
          "Accepts Docker schema 1 manifests.",
          unsupported(
            "pushes of Docker schema 1 manifests",
            "remove the key (registry:3 doesn't accept them either), and push such images again with a newer client",
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
        apikey: text("Enables it.", { secret: true, ...unsupported("error reports to Bugsnag", REPORTING) }),
        releasestage: text("As in Distribution."),
        endpoint: text("As in Distribution."),
      },
      "Bugsnag.",
    ).prefault({}),
    newrelic: section(
      {
        licensekey: text("Enables it.", { secret: true, ...unsupported("reports to New Relic", REPORTING) }),
        name: text("As in Distribution."),
        verbose: flag(false, "As in Distribution."),
      },
      "New Relic.",
    ).prefault({}),
  },
  "Error reports (`registry:2`).",
).prefault({});
