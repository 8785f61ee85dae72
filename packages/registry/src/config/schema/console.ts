import { HOUR, MINUTE } from "@longshore/base/duration";
import { flag, key, positiveDuration, section } from "@longshore/options/declare";
import { z } from "zod";

/** Paths that the registry has other uses for. */
const TAKEN = /^\/(?:v2|auth|\.well-known)\//;

const path = key(
  z
    .string()
    .regex(/^\/([A-Za-z0-9._~-]+\/)*$/)
    .refine((value) => !TAKEN.test(value))
    .default("/"),
  {
    meaning: "Where the page is, below `http.prefix`. At `/`, clients that don't ask for HTML still get an empty 200.",
    type: "path",
    allowed: "a path that starts and ends with a slash, such as /console/, other than those below /v2/ and /auth/",
    fallback: "/",
    ours: true,
  },
);

export const console = section(
  {
    enabled: flag(true, "Serves the page.", { ours: true }),
    path,
    sessionlifetime: positiveDuration("12h", "How long a login in the page is good, used or not.", {
      min: MINUTE,
      max: 30 * 24 * HOUR,
    }),
  },
  "The registry's own page: what it holds, for people with a browser.",
  { ours: true },
).prefault({});
