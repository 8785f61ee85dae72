import { flag, type Unsupported, section, text } from "@longshore/options/declare";

/** Sections of Distribution that have no effect here. Where they would have one in Distribution, a warning says so. */
function withoutEffect(what: string, instead: string): { unsupported: Unsupported } {
  return { unsupported: { when: "set", what, instead, harmless: true } };
}

export const compatibility = section(
  {
    schema1: section(
      {
        enabled: flag(
          false,
          "Accepts Docker schema 1 manifests.",
          withoutEffect(
            "pushes of Docker schema 1 manifests",
            "such pushes are refused, as registry:3 refuses them; push these images with a newer client",
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

const REPORTING = "errors are in the log, and counted in the metrics";

export const reporting = section(
  {
    bugsnag: section(
      {
        apikey: text("Enables it.", { secret: true, ...withoutEffect("error reports to Bugsnag", REPORTING) }),
        releasestage: text("As in Distribution."),
        endpoint: text("As in Distribution."),
      },
      "Bugsnag.",
    ).prefault({}),
    newrelic: section(
      {
        licensekey: text("Enables it.", { secret: true, ...withoutEffect("reports to New Relic", REPORTING) }),
        name: text("As in Distribution."),
        verbose: flag(false, "As in Distribution."),
      },
      "New Relic.",
    ).prefault({}),
  },
  "Error reports (`registry:2`).",
).prefault({});
