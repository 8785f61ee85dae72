import { flag, type Unsupported, section, text, unused } from "@longshore/options/declare";

/** Sections of Distribution that have no effect here. Where they would have one in Distribution, a warning says so. */
function withoutEffect(what: string, instead: string): { unsupported: Unsupported } {
  return { unsupported: { when: "set", what, instead, harmless: true } };
}

const UNSIGNED = unused("no schema 1 manifest is accepted or signed");

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
        signingkeyfile: text(...UNSIGNED),
        trustkey: text(...UNSIGNED),
      },
      "Docker schema 1.",
    ).prefault({}),
  },
  "Older formats (`registry:2`).",
).prefault({});

const REPORTING = "errors are in the log, and counted in the metrics";
const NO_REPORTS = unused(REPORTING);

export const reporting = section(
  {
    bugsnag: section(
      {
        apikey: text("Enables it.", { secret: true, ...withoutEffect("error reports to Bugsnag", REPORTING) }),
        releasestage: text(...NO_REPORTS),
        endpoint: text(...NO_REPORTS),
      },
      "Bugsnag.",
    ).prefault({}),
    newrelic: section(
      {
        licensekey: text("Enables it.", { secret: true, ...withoutEffect("reports to New Relic", REPORTING) }),
        name: text(...NO_REPORTS),
        verbose: flag(false, ...NO_REPORTS),
      },
      "New Relic.",
    ).prefault({}),
  },
  "Error reports (`registry:2`).",
).prefault({});
