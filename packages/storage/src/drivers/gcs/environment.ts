import { createPrivateKey } from "node:crypto";
import { abortable } from "@longshore/base/abort";
import type { Dispatcher } from "undici";
import { GoogleAuth } from "google-auth-library";
import { z } from "zod";
import { ServiceFault } from "../objects/faults.js";
import { parseJson, readRefusal, readText } from "./answers.js";
import type { Credential, Signatory } from "./credential.js";
import { refusalToFault } from "./faults.js";
import { signWith } from "./key.js";

/** Also for signatures; what the identity may do is decided by its roles. */
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const IAM = "https://iamcredentials.googleapis.com";
const MOST_TEXT = 64 * 1024;

const signAnswer = z.object({ signedBlob: z.string().min(1) });

/**
 * With what the environment has, as Google's library finds it: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's login, workload identity, the
 * machine's service account. `iam`: the service that signs in the name of a service account whose key isn't here.
 */
export function createEnvironmentCredential(connections: Dispatcher, iam = IAM): Credential {
  // The project is in nobody's way, but the library would look for it in many places, for seconds.
  const auth = new GoogleAuth({ scopes: [SCOPE], projectId: "unknown" });

  const token = async (signal: AbortSignal): Promise<string> => {
    const given = await abortable(asLogin(auth.getAccessToken()), signal);
    if (typeof given === "string" && given !== "") return given;
    throw new ServiceFault("access-denied", undefined, "GetToken: the environment's credentials give no token");
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
    // The library keeps its tokens until they end.
    forget: () => false,
    async signatory(signal): Promise<Signatory | undefined> {
      const { client_email: email, private_key: pem } = await abortable(asLogin(auth.getCredentials()), signal);
      if (email === undefined) return undefined;
      if (pem !== undefined) {
        const key = createPrivateKey(pem);
        return { email, sign: (text) => Promise.resolve(signWith(key, text)) };
      }
      return { email, sign: (text, ending) => signByService(email, text, ending) };
    },
  };
}

/** The library's errors have no form of their own. An address that doesn't answer is an outage; the rest is for the operator. */
async function asLogin<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const isOutage = /^(5\d\d|429|E[A-Z]+)$/.test(code) || /fetch failed|socket hang up|network/i.test(message);
    throw new ServiceFault(
      isOutage ? "transient" : "access-denied",
      undefined,
      `GetToken: ${message}; set keyfile, or check the environment's credentials`,
    );
  }
}
