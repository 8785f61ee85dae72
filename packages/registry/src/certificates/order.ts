import { crypto, type Authorization, type Client, type Order } from "acme-client";
import { generateKeyPairSync } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { abortable, expiringSignal } from "@longshore/base/abort";
import { backoff } from "@longshore/base/backoff";
import { MINUTE, SECOND } from "@longshore/base/duration";
import { z } from "zod";
import { createAcmeClient, OrderError } from "./acme-library.js";
import { REMEMBERED } from "./challenges.js";
import { parsePair, type CertificatePair } from "./pair.js";
import type { CertificateRecords } from "./records.js";

type ChallengeType = "tls-alpn-01" | "http-01";

/** What an order needs. */
export interface OrderOptions {
  readonly host: string;
  readonly directory: string;
  /** PEM. */
  readonly accountKey: string;
  readonly email: string | undefined;
  /** In the order in which they are tried. */
  readonly challenges: readonly ChallengeType[];
  readonly records: Pick<CertificateRecords, "keepChallenge" | "forgetChallenge">;
  readonly signal: AbortSignal;
}

/** For all of an order (ms): the authority may take minutes to look. */
const PATIENCE = 10 * MINUTE;

/** Between two looks at what the authority is doing (ms). */
const LOOKS = { first: SECOND / 2, longest: 10 * SECOND };

/** Orders a certificate for one host, and proves that it is ours. Throws OrderError, StorageError, or the signal's reason. */
export async function orderCertificate(options: OrderOptions): Promise<CertificatePair> {
  using expiring = expiringSignal(options.signal, PATIENCE);
  const { signal } = expiring;
  const client = createAcmeClient(options.directory, options.accountKey);
  const work = prove(client, { ...options, signal }).then((order) => finalize(client, order, options.host, signal));
  try {
    return await abortable(work, signal);
  } catch (error) {
    options.signal.throwIfAborted();
    if (signal.aborted) throw new OrderError("the authority took too long", "refused", { cause: error });
    throw error;
  }
}

/** An order whose host is proven, by the first kind of challenge that works. */
async function prove(client: Client, options: OrderOptions): Promise<Order> {
  const { host, email, challenges, signal } = options;
  await client.createAccount({
    termsOfServiceAgreed: true,
    ...(email === undefined ? {} : { contact: [`mailto:${email}`] }),
  });
  const problems: string[] = [];
  for (const type of challenges) {
    signal.throwIfAborted();
    // A failed challenge is the end of its order.
    const order = await client.createOrder({ identifiers: [{ type: "dns", value: host }] });
    const problem = await authorize(client, order, type, options);
    if (problem === undefined) return order;
    problems.push(`${type}: ${problem}`);
  }
  throw new OrderError(`the authority found no proof that ${host} is ours; ${problems.join("; ")}`, "refused");
}

/** Answers a challenge for each host of the order that isn't proven yet; resolves with what is wrong. */
async function authorize(
  client: Client,
  order: Order,
  type: ChallengeType,
  { host, records, signal }: OrderOptions,
): Promise<string | undefined> {
  for (const authorization of await client.getAuthorizations(order)) {
    if (authorization.status === "valid") continue;
    const challenge = authorization.challenges.find((each) => each.type === type);
    if (challenge === undefined) return "the authority doesn't offer it";
    const keyAuthorization = await client.getChallengeKeyAuthorization(challenge);
    const [key, certificate] = await crypto.createAlpnCertificate(authorization, keyAuthorization, newKey());
    const { token } = challenge;
    await records.keepChallenge(host, {
      token,
      keyAuthorization,
      key: key.toString(),
      certificate: certificate.toString(),
    });
    try {
      await delay(REMEMBERED + SECOND / 10, undefined, { signal });
      await client.completeChallenge(challenge);
      const settled = await poll(
        async () => (await client.getAuthorizations({ ...order, authorizations: [authorization.url] }))[0],
        (found) => found.status !== "pending",
        signal,
      );
      if (settled.status !== "valid") return problemOf(settled, type);
    } finally {
      await records.forgetChallenge(host);
    }
  }
  return undefined;
}

async function finalize(client: Client, order: Order, host: string, signal: AbortSignal): Promise<CertificatePair> {
  const isOpen = ({ status }: Order): boolean => status === "pending" || status === "processing";
  const look = (): Promise<Order> => client.getOrder(order);
  await poll(look, (found) => !isOpen(found), signal);
  const key = newKey();
  const [, request] = await crypto.createCsr({ altNames: [host] }, key);
  await client.finalizeOrder(order, request);
  const settled = await poll(look, (found) => !isOpen(found) && found.status !== "ready", signal);
  if (settled.status !== "valid") throw new OrderError("the authority didn't issue the certificate", "refused");
  const pair = parsePair(host, `${key}\n${await client.getCertificate(settled)}`);
  if (pair === undefined) throw new OrderError(`the authority issued a certificate that isn't for ${host}`, "refused");
  return pair;
}

async function poll<T>(
  look: () => Promise<T | undefined>,
  isSettled: (found: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  for (let count = 1; ; count += 1) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined && isSettled(found)) return found;
    await delay(backoff(LOOKS, count, 0, 0), undefined, { signal });
  }
}

const FAILED = z.object({ type: z.string(), error: z.object({ detail: z.string() }) });

/** What the authority says of the challenge that it couldn't accept. */
function problemOf({ challenges, status }: Authorization, type: ChallengeType): string {
  const found = challenges.flatMap((each) => FAILED.safeParse(each).data ?? []).find((each) => each.type === type);
  return found?.error.detail ?? `the authorization is ${status}`;
}

/** P-256, which every client and authority knows; PEM. */
export function newKey(): string {
  return generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }).privateKey;
}
