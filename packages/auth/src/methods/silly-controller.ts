import { requiredText } from "@longshore/options/declare";
import type { AccessController, BrowserLogins, Grant } from "../access-controller.js";
import { basicChallenge, bearerChallenge } from "../challenge.js";
import { AuthError } from "../errors.js";
import { declareController } from "./kind.js";
import { formatAccesses } from "../scope.js";

/** Accepts any Authorization header, for the development of clients (wire contract §4.2). */
export const silly = declareController({
  name: "silly",
  meaning: "Only for tests of clients: accepts any `Authorization` header.",
  options: {
    realm: requiredText("The realm of the challenge."),
    service: requiredText("The service of the challenge."),
  },
  choose: (options) => ({
    withoutRules: "clients aren't identified",
    open: () => Promise.resolve(createSillyController(options)),
  }),
});

const SILLY: Grant = { account: "silly", unrestricted: true };

/** Any name and password, as clients may send any header. */
const LOGINS: BrowserLogins = {
  anonymous: false,
  logIn: ({ account }) => Promise.resolve({ account, source: "silly" }),
  authorize(login, _request, accesses) {
    if (login !== undefined) return Promise.resolve(SILLY);
    const fault = { code: "UNAUTHENTICATED", challenge: basicChallenge("silly"), accesses } as const;
    return Promise.reject(new AuthError({ ...fault, reason: "no login" }));
  },
};

interface SillyOptions {
  readonly realm: string;
  readonly service: string;
}

function createSillyController({ realm, service }: SillyOptions): AccessController {
  return {
    name: "silly",
    ways: [{ kind: "password" }],
    logins: LOGINS,
    authorize(request, accesses) {
      const credentials = request.headers["authorization"];
      if (credentials !== undefined && credentials !== "") return SILLY;
      const challenge = bearerChallenge({ realm, service, scope: formatAccesses(accesses) });
      throw new AuthError({ code: "UNAUTHENTICATED", challenge, accesses, reason: "no Authorization header" });
    },
    close: () => Promise.resolve(),
  };
}
