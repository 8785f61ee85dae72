import { createPrivateKey } from "node:crypto";
import { abortable, expiringSignal } from "@longshore/base/abort";
import { HOUR } from "@longshore/base/duration";
import type { Dispatcher } from "undici";
import { GoogleAuth } from "google-auth-library";
import { z } from "zod";
import { ServiceFault } from "../objects/faults.js";
import { parseJson, readRefusal, readText } from "./answers.js";
import type { Credential, Signatory } from "./credential.js";
import { libraryFault } from "./environment-faults.js";
import { refusalToFault } from "./faults.js";
import { signWith } from "./key.js";

/** Also for signatures; what the identity may do is decided by its roles. */
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const IAM = "https://iamcredentials.googleapis.com";
const MOST_TEXT = 64 * 1024;
/** How long a signature of the service is good at least: it changes its keys (ms). */
const SIGNED_FOR = 12 * HOUR;

const signAnswer = z.object({ signedBlob: z.string().min(1) });

interface EnvironmentNeeds {
  readonly connections: Dispatcher;
  /** How long the library may take, which is never asked on behalf of a single caller (ms). */
  readonly patience: number;
  /** The service that signs in the name of a service account whose key isn't here. */
  readonly iam?: string | undefined;
}

/**
 * With what the environment has, as Google's library finds it: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's login, workload identity, the
 * machine's service account.
 */
export function createEnvironmentCredential({ connections, patience, iam = IAM }: EnvironmentNeeds): Credential {
  let auth = createAuth();
  let next: Promise<string> | undefined;
  let last: string | undefined;

  /**
   * The library waits for a request without an answer for good, and lets everybody wait for the same one: after a failure it starts
   * from the beginning.
   */
  const ask = async <T>(work: (asked: GoogleAuth) => Promise<T>): Promise<T> => {
    const asked = auth;
    using time = expiringSignal(undefined, patience);
    try {
      return await abortable(work(asked), time.signal);
    } catch (error) {
      if (auth === asked) auth = createAuth();
      if (!time.signal.aborted) throw libraryFault(error);
      throw new ServiceFault("transient", undefined, `GetToken: no answer within ${patience} ms`);
    }
  };

  const renew = async (): Promise<string> => {
    const given = await ask((asked) => asked.getAccessToken());
    if (typeof given !== "string" || given === "") {
      throw new ServiceFault("access-denied", undefined, "GetToken: the environment's credentials give no token");
    }
    last = given;
    return given;
  };

  const token = (signal: AbortSignal): Promise<string> => {
    if (next === undefined) {
      const begun = renew().finally(() => {
        if (next === begun) next = undefined;
      });
      next = begun;
    }
    return abortable(next, signal);
  };

  const signByService = async (email: string, text: string, signal: AbortSignal): Promise<Buffer> => {
    const answer = await connections.request({
      origin: iam,
      path: `/v1/projects/-/serviceAccounts/${encodeURIComponent(email)}:signBlob`,
      method: "POST",
      headers: { authorization: `Bearer ${await token(signal)}`, "content-type": "application/json" },
      body: JSON.stringify({ payload: Buffer.from(text).toString("base64") }),
      signal,
    });
    if (answer.statusCode !== 200) throw refusalToFault(await readRefusal(answer), "SignBlob", []);
    const parsed = signAnswer.safeParse(parseJson(await readText(answer.body, MOST_TEXT)));
    if (!parsed.success) throw new ServiceFault("transient", undefined, "SignBlob: the answer has no signature");
    return Buffer.from(parsed.data.signedBlob, "base64");
  };

  return {
    token,
    forget(refused) {
      // The library would keep it until it ends.
      if (refused === last) {
        auth = createAuth();
        next = undefined;
      }
      return true;
    },
    async signatory(signal): Promise<Signatory | undefined> {
      const { client_email: email, private_key: pem } = await abortable(
        ask((asked) => asked.getCredentials()),
        signal,
      );
      if (email === undefined) return undefined;
      if (pem !== undefined) {
        const key = createPrivateKey(pem);
        return { email, sign: (text) => Promise.resolve(signWith(key, text)) };
      }
      return { email, longest: SIGNED_FOR, sign: (text, ending) => signByService(email, text, ending) };
    },
  };
}

function createAuth(): GoogleAuth {
  // The project is in nobody's way, but the library would look for it in many places, for seconds.
  return new GoogleAuth({ scopes: [SCOPE], projectId: "unknown" });
}
