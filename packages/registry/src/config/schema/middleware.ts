import { z } from "zod";
import { choice, durationText, flag, key, list, section, text, untypedMap } from "./kit.js";

/** From a second to what a timer can wait (ms). */
const TIME = { min: 1000, max: 596 * 3_600_000 };

/** Options of every storage middleware: which of them has which is in config/middleware.ts. */
const options = key(
  z.looseObject({
    baseurl: text("`redirect`, `cloudfront`: what the address begins with. Required there."),
    scheme: text("`rewrite`: the scheme that takes the place of the storage's own."),
    host: text("`rewrite`: the host (and port) that takes the place of the storage's own."),
    trimpathprefix: text("`rewrite`: what is taken off the path's beginning, such as a bucket's name."),
    privatekey: text("`cloudfront`: PEM file with the RSA key that signs addresses. Required there."),
    keypairid: text("`cloudfront`: the id that CloudFront knows the key by. Required there."),
    duration: durationText("20m", TIME, "`cloudfront`: how long an address is good."),
    ipfilteredby: choice(
      ["none", "aws", "awsregion"],
      "none",
      "`cloudfront`: which clients get the address of S3 itself instead: those in AWS, or in the regions of `awsregion`.",
    ),
    awsregion: text("`cloudfront`: regions, with commas between them. Required with `ipfilteredby: awsregion`."),
    updatefrequency: durationText("12h", TIME, "`cloudfront`: time between two looks at the list of AWS's networks."),
    updatefrenquency: durationText("12h", TIME, "An older spelling of `updatefrequency`."),
    iprangesurl: text("`cloudfront`: where the list of AWS's networks is.", {
      fallback: "https://ip-ranges.amazonaws.com/ip-ranges.json",
    }),
  }),
  {
    meaning: "What it needs. An unknown key stops the start.",
    type: "map",
    allowed: "a map",
    untyped: true,
    unknownKeys: "allowed",
  },
).optional();

const later = {
  when: "enabled-entries",
  what: "middleware of this kind (nor has the original)",
  instead: "remove the entries or set disabled: true in each",
} as const;

function refusedList(meaning: string) {
  const entry = section(
    {
      name: text("Its name."),
      disabled: flag(false, "Leaves this entry out."),
      options: untypedMap("What it needs."),
    },
    "A middleware.",
  );
  return list(entry, meaning, { type: "list of maps", later });
}

const storageMiddleware = section(
  {
    name: text(
      "`redirect`: clients fetch blobs from `baseurl`. `rewrite`: the storage's own addresses, edited. `cloudfront`: signed addresses of Amazon CloudFront, with S3 only.",
    ),
    disabled: flag(false, "Leaves this entry out. (The original ignores this key.)"),
    options,
  },
  "A middleware.",
);

export const middleware = section(
  {
    registry: refusedList("Around the registry (the original has none)."),
    repository: refusedList("Around repositories (the original has none)."),
    storage: list(
      storageMiddleware,
      "Where clients are sent for blobs. Of several, the last one is asked first; `rewrite` and `cloudfront` ask the one before.",
      { type: "list of maps" },
    ),
  },
  "Middleware.",
  { untyped: true },
).prefault({});
