import { z } from "zod";
import { bearerChallenge } from "../challenge.js";
import type { AccessController, Grant } from "../contract.js";
import { AuthError } from "../errors.js";
import { formatAccesses } from "../scope.js";

const options = z.strictObject({ realm: z.string().min(1), service: z.string().min(1) });

/** `auth.silly`: where the challenge sends clients. */
export type SillyOptions = z.infer<typeof options>;

const SILLY: Grant = { account: "silly", unrestricted: true };

/** Takes any Authorization header for good: for development, to see challenges at work (contract §4.2). */
export function createSillyController({ realm, service }: SillyOptions): AccessController {
  return {
    name: "silly",
    authorize(request, accesses) {
      const credentials = request.headers["authorization"];
      if (credentials !== undefined && credentials !== "") return SILLY;
      const challenge = bearerChallenge({ realm, service, scope: formatAccesses(accesses) });
      throw new AuthError({ code: "UNAUTHENTICATED", challenge, accesses, reason: "no Authorization header" });
    },
    close: () => Promise.resolve(),
  };
}

/** The options in `input`. Throws AuthError INVALID_OPTIONS. */
export function parseSillyOptions(input: unknown): SillyOptions {
  const parsed = options.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = ["silly", ...(issue?.path ?? [])].join(".");
  throw new AuthError({ code: "INVALID_OPTIONS", path, reason: issue?.message ?? "invalid" });
}
