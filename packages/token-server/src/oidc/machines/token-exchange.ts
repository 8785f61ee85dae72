import { AuthError } from "@longshore/auth";
import type { IdentitySource, TokenGrant } from "../../contract.js";

const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";

const TYPE = "urn:ietf:params:oauth:token-type:";

/** What an ID token may be called (RFC 8693 §3). */
const SUBJECTS: readonly string[] = [`${TYPE}id_token`, `${TYPE}jwt`];

/** What a token of ours is. */
const ISSUED = `${TYPE}access_token`;

/**
 * The exchange of an ID token for a token of ours (RFC 8693), for clients that have no user names: `verify` says whose it is. Nobody acts
 * for another here, so that there are no actors.
 */
export function tokenExchange(verify: IdentitySource["verify"]): TokenGrant {
  return {
    type: GRANT,
    async redeem(form, context) {
      const token = form.get("subject_token") ?? "";
      if (token === "") throw invalid("a token exchange needs subject_token");
      if (!SUBJECTS.includes(form.get("subject_token_type") ?? "")) {
        throw invalid(`subject_token_type must be one of ${SUBJECTS.join(", ")}`);
      }
      if (form.has("actor_token")) throw invalid("actor_token is not supported");
      const requested = form.get("requested_token_type") ?? ISSUED;
      if (requested !== ISSUED && requested !== `${TYPE}jwt`) throw invalid(`requested_token_type must be ${ISSUED}`);
      const login = await verify({ account: "", password: token }, context);
      const reason = "the subject token is no ID token of a configured issuer";
      return {
        login: login.outcome === "unknown" ? { outcome: "failed", reason } : login,
        extra: { issued_token_type: ISSUED },
      };
    },
  };
}

function invalid(reason: string): AuthError {
  return new AuthError({ code: "INVALID_REQUEST", reason });
}
