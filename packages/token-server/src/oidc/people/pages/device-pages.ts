import { AuthError, type AuthLog, type AuthPage, type Clock, type PageAnswer, type PageRequest } from "@longshore/auth";
import { SECOND } from "@longshore/base/duration";
import { z } from "zod";
import { LoginRefused, type LoginProvider } from "../provider.js";
import { storageAvailable } from "../sessions/login-sessions.js";
import type { Sealer } from "../sessions/seal.js";
import type { TokenIssuer } from "./issue-token.js";

const ATTEMPT = z.object({ provider: z.string(), deviceCode: z.string() });

/** A login that a device has begun: sealed in its device code, so that nothing is kept for those who never come back. */
export type DeviceAttempt = z.output<typeof ATTEMPT>;

/** Reads what a sealer for attempts has opened. */
export function parseDeviceAttempt(value: unknown): DeviceAttempt | undefined {
  return ATTEMPT.safeParse(value).data;
}

/** What {@link devicePages} works with. */
export interface DevicePagesOptions {
  readonly providers: readonly LoginProvider[];
  readonly attempts: Sealer<DeviceAttempt>;
  readonly issue: TokenIssuer;
  readonly clock: Clock;
  readonly log: AuthLog;
}

const DEVICE_PATH = "/auth/device";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** Questions to providers at a time, from whatever clients: anybody may begin a login. */
const MOST_AT_ONCE = 32;

const RETRY_AFTER = 5;

/** A login on a machine without a browser (RFC 8628), which ends with a personal access token. */
export function devicePages(options: DevicePagesOptions): readonly AuthPage[] {
  const { providers, attempts, issue, clock, log } = options;
  let underWay = 0;

  async function begin(form: URLSearchParams): Promise<PageAnswer> {
    const name = form.get("provider") ?? (providers.length === 1 ? providers[0]?.name : undefined);
    const provider = providers.find((each) => each.name === name);
    if (provider === undefined) {
      return failure("invalid_request", `provider must be one of ${providers.map((each) => each.name).join(", ")}`);
    }
    const started = await provider.startDevice();
    const lifetime = started.expiresIn * SECOND;
    return json(200, {
      device_code: await attempts.seal({ provider: provider.name, deviceCode: started.deviceCode }, lifetime),
      user_code: started.userCode,
      verification_uri: started.verificationUri,
      ...(started.verificationUriComplete === undefined
        ? {}
        : { verification_uri_complete: started.verificationUriComplete }),
      expires_in: started.expiresIn,
      interval: started.interval,
    });
  }

  async function poll(form: URLSearchParams): Promise<PageAnswer> {
    if (form.get("grant_type") !== DEVICE_GRANT)
      return failure("unsupported_grant_type", `grant_type must be ${DEVICE_GRANT}`);
    const attempt = await attempts.open(form.get("device_code") ?? "");
    const provider = providers.find(({ name }) => name === attempt?.provider);
    if (attempt === undefined || provider === undefined)
      return failure("expired_token", "the device code has expired; start again");
    const found = await provider.pollDevice(attempt.deviceCode);
    if (found === "pending") return failure("authorization_pending", "the login hasn't been completed yet");
    if (found === "slow_down") return failure("slow_down", "wait five seconds longer between two questions");
    const { text, kept } = await storageAvailable(() => issue(provider, found));
    const document = {
      access_token: text,
      token_type: "Bearer",
      account: kept.account,
      ...(kept.expires === undefined ? {} : { expires_in: Math.floor((kept.expires - clock()) / SECOND) }),
    };
    const audit = { outcome: "allowed", source: provider.name, token: kept.id } as const;
    return { ...json(200, document), account: kept.account, audit };
  }

  const page = (path: string, respond: (form: URLSearchParams) => Promise<PageAnswer>): AuthPage => ({
    path,
    methods: ["POST"],
    audited: "login",
    async answer(request) {
      const form = formOf(request);
      if (form === undefined) return failure("invalid_request", "a form is needed: application/x-www-form-urlencoded");
      if (underWay >= MOST_AT_ONCE) {
        throw new AuthError({ code: "THROTTLED", retryAfter: RETRY_AFTER, reason: "too many logins are under way" });
      }
      underWay += 1;
      try {
        return await respond(form);
      } catch (error) {
        if (!(error instanceof LoginRefused)) throw error;
        log.info("a login was refused", { reason: error.message });
        return { ...failure("access_denied", error.message), audit: { outcome: "denied" } };
      } finally {
        underWay -= 1;
      }
    },
  });

  return [page(DEVICE_PATH, begin), page(`${DEVICE_PATH}/token`, poll)];
}

function formOf({ headers, body }: PageRequest): URLSearchParams | undefined {
  const type = headers["content-type"];
  const isForm = typeof type === "string" && /^application\/x-www-form-urlencoded(?:;|$)/i.test(type);
  return isForm ? new URLSearchParams(Buffer.from(body).toString("utf8")) : undefined;
}

/** RFC 6749 §5.2. */
function failure(error: string, description: string): PageAnswer {
  return json(400, { error, error_description: description });
}

function json(status: number, document: unknown): PageAnswer {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { status, headers, body: JSON.stringify(document) };
}
