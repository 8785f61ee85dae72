import fc from "fast-check";
import {
  digestOf,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
  withQuery,
  type Content,
} from "@longshore/testkit/fixtures";
import type { Answer, Ask } from "@longshore/testkit/http-client";
import { differenceOf, pathOf } from "./compare.js";
import type { Expected, Model, Session } from "./model.js";
import { nonsenseIn } from "./nonsense.js";
import type { KnownManifest, Universe } from "./universe.js";

const KINDS = [
  "fill",
  "push",
  "start",
  "mount",
  "patch",
  "patch",
  "put",
  "repeat put",
  "status",
  "cancel",
  "blob",
  "delete blob",
  "put manifest",
  "put manifest",
  "manifest",
  "delete manifest",
  "tags",
  "referrers",
  "catalog",
  "nonsense",
] as const;

/** A request as it is generated: small numbers that choose from a universe, so that a failure shrinks. */
export interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly repository: number;
  readonly item: number;
  readonly other: number;
  readonly choice: number;
}

export const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  repository: fc.nat({ max: 2 }),
  item: fc.nat({ max: 20 }),
  other: fc.nat({ max: 20 }),
  choice: fc.nat({ max: 11 }),
});

/** A session with the locations that a client was given for it, and what it wants to bring. */
interface OpenSession {
  readonly session: Session;
  readonly target: Buffer;
  readonly locations: { readonly path: string; readonly offset: number }[];
  /** The PUT that finished it. */
  closing?: Ask & { readonly digest: string };
}

/** What the requests of one sequence share. */
export interface Scene {
  readonly universe: Universe;
  readonly model: Model;
  readonly ask: (ask: Ask) => Promise<Answer>;
  readonly sessions: OpenSession[];
  /** Requests that were compared. */
  count: number;
}

const RANGES = [
  undefined,
  undefined,
  undefined,
  "bytes=0-3",
  "bytes=-2",
  "bytes=5-",
  "bytes=0-0,2-3",
  "bytes=3-4 , -1",
  "bytes=0-,0-",
  "bytes=99999-",
  "bytes=x",
];
const ACCEPTS = [undefined, "*/*", OCI_MANIFEST, DOCKER_MANIFEST, `${DOCKER_MANIFEST}, ${DOCKER_LIST}`, OCI_INDEX];

function pick<T>(items: readonly T[], index: number): T {
  const next = items
    .slice(index % items.length)
    .values()
    .next();
  if (next.done === true) throw new Error("nothing to choose from");
  return next.value;
}

const hashLike = (digest: string) => (bytes: Buffer) =>
  digestOf(bytes, digest.startsWith("sha512:") ? "sha512" : "sha256");

const EMPTY = Buffer.alloc(0);

/** A request that is about to be sent. */
interface Context {
  readonly step: Step;
  readonly scene: Scene;
  readonly name: string;
  readonly uploads: string;
  readonly blob: Content;
  readonly manifest: KnownManifest;
  readonly tag: string;
  readonly digest: string;
  /** Compares the answer with what is expected. Throws where they differ. */
  readonly send: Send;
  /** Remembers a session, if the answer opens one. */
  readonly open: (answer: Answer) => void;
}

type Send = (ask: Ask, expected: Expected) => Promise<Answer>;

/** Sends what `step` says, and compares the answer with the model's. Throws where they differ. */
export async function take(step: Step, scene: Scene): Promise<void> {
  const { universe } = scene;
  const name = pick(universe.repositories, step.repository);
  const blob = pick(universe.blobs, step.item);
  const digests = [...universe.blobs, ...universe.manifests.map(({ content }) => content)].map(({ digest }) => digest);
  const send: Send = async (ask, expected) => {
    const answer = await scene.ask(ask);
    scene.count += 1;
    const difference = differenceOf(ask, answer, expected);
    if (difference === undefined) return answer;
    throw new Error(`${ask.method ?? "GET"} ${ask.path} ${JSON.stringify(ask.headers ?? {})}: ${difference}`);
  };
  await REQUESTS[step.kind]({
    step,
    scene,
    name,
    uploads: `/v2/${name}/blobs/uploads/`,
    blob,
    manifest: pick(universe.manifests, step.item),
    tag: pick(universe.tags, step.other),
    digest: pick([...digests, universe.absent], step.item),
    send,
    open: (answer) => {
      if (answer.status !== 202) return;
      const session: Session = { repository: name, received: EMPTY, isGone: false };
      scene.sessions.push({ session, target: blob.bytes, locations: [{ path: pathOf(answer), offset: 0 }] });
    },
  });
}

const REQUESTS: Readonly<Record<Step["kind"], (context: Context) => Promise<void>>> = {
  fill: async ({ name, uploads, send, scene: { universe, model } }) => {
    for (const { bytes, digest: own } of universe.blobs) {
      const ask = { method: "POST", path: `${uploads}?digest=${own}`, body: bytes };
      await send(ask, model.pushBlob(name, own, bytes, own));
    }
  },
  push: async ({ step, name, uploads, blob, digest, send, open, scene: { model } }) => {
    const claimed = step.choice === 0 ? digest : blob.digest;
    const ask = { method: "POST", path: `${uploads}?digest=${claimed}`, body: blob.bytes };
    // Without a body a digest opens a session, unless it is that of nothing.
    const isSession = blob.bytes.length === 0 && claimed !== hashLike(claimed)(EMPTY);
    const whole = (): Expected => model.pushBlob(name, claimed, blob.bytes, hashLike(claimed)(blob.bytes));
    open(await send(ask, isSession ? { status: 202, headers: { range: "0-0" } } : whole()));
  },
  start: async ({ uploads, send, open }) => {
    open(await send({ method: "POST", path: uploads }, { status: 202, headers: { range: "0-0" } }));
  },
  mount: async ({ step, name, uploads, digest, send, open, scene: { universe, model } }) => {
    const from = step.choice % 3 === 0 ? undefined : pick(universe.repositories, step.other);
    const path = `${uploads}?mount=${digest}${from === undefined ? "" : `&from=${from}`}`;
    open(await send({ method: "POST", path }, model.mount(name, digest, from)));
  },
  blob: async ({ step, name, digest, send, scene: { model } }) => {
    const range = pick(RANGES, step.choice);
    const noneMatch = step.other === 0 ? `"${digest}"` : undefined;
    const ask = {
      method: step.other % 3 === 1 ? "HEAD" : "GET",
      path: `/v2/${name}/blobs/${digest}`,
      headers: { ...(range && { range }), ...(noneMatch && { "if-none-match": noneMatch }) },
    };
    await send(ask, model.getBlob(name, digest, range, noneMatch));
  },
  "delete blob": async ({ name, digest, send, scene: { model } }) => {
    await send({ method: "DELETE", path: `/v2/${name}/blobs/${digest}` }, model.deleteBlob(name, digest));
  },
  "put manifest": async ({ step, name, manifest, tag, send, scene: { universe, model } }) => {
    const { content, mediaType } = manifest;
    const tags = step.choice > 9 ? [tag, pick(universe.tags, step.choice)] : [];
    const reference = pick(
      [content.digest, tag, tag, content.digest, hashLike(content.digest)(EMPTY)],
      step.choice % 5,
    );
    const query = reference.includes(":") ? tags.map((each) => `tag=${each}`).join("&") : "";
    const path = `/v2/${name}/manifests/${reference}${query === "" ? "" : `?${query}`}`;
    const ask = { method: "PUT", path, headers: { "content-type": mediaType }, body: content.bytes };
    await send(ask, model.putManifest(name, reference, manifest, tags));
  },
  manifest: async ({ step, name, tag, digest, send, scene: { model } }) => {
    const reference = step.other % 2 === 0 ? digest : tag;
    const [range, accept] = [pick(RANGES, step.choice), pick(ACCEPTS, step.choice)];
    const headers = { ...(range && { range }), ...(accept && { accept }) };
    const ask = {
      method: step.other % 3 === 1 ? "HEAD" : "GET",
      path: `/v2/${name}/manifests/${reference}`,
      headers,
    };
    await send(ask, model.getManifest(name, reference, accept, range));
  },
  "delete manifest": async ({ step, name, tag, digest, send, scene: { model } }) => {
    const reference = step.other % 2 === 0 ? digest : tag;
    const ask = { method: "DELETE", path: `/v2/${name}/manifests/${reference}` };
    await send(ask, model.deleteManifest(name, reference));
  },
  tags: async ({ step, name, tag, send, scene: { model } }) => {
    const page = { n: step.choice < 4 ? step.choice : undefined, last: step.other % 2 === 0 ? undefined : tag };
    await send({ path: `/v2/${name}/tags/list${queryOf(page)}` }, model.tags(name, page));
  },
  referrers: async ({ step, name, digest, send, scene: { universe, model } }) => {
    const artifactType = step.choice % 3 === 0 ? "text/signature" : undefined;
    const subject = step.other % 2 === 0 ? universe.absent : digest;
    const ask = { path: `/v2/${name}/referrers/${subject}${queryOf({ artifactType })}` };
    await send(ask, model.referrers(name, subject, artifactType));
  },
  catalog: async ({ step, name, send, scene: { universe, model } }) => {
    // Behind what earlier sequences left.
    const first = universe.repositories[0]?.slice(0, -2) ?? "";
    const page = { n: step.choice % 4, last: step.other % 2 === 0 ? first : name };
    await send({ path: `/v2/_catalog${queryOf(page)}` }, model.catalog(page));
  },
  nonsense: async ({ step, name, send }) => {
    const [ask, status, code] = pick(nonsenseIn(name), step.item);
    await send(ask, { status, code });
  },
  patch: takeInSession,
  put: takeInSession,
  "repeat put": takeInSession,
  status: takeInSession,
  cancel: takeInSession,
};

/** A request to a session that was opened. */
async function takeInSession({ step, scene, send }: Context): Promise<void> {
  const { universe, model, sessions } = scene;
  if (sessions.length === 0) return;
  const open = pick(sessions, step.item);
  const { session, target, locations } = open;
  // Mostly the latest location.
  const location = pick([...locations].reverse(), step.choice === 0 ? step.other : 0);
  const rest = target.subarray(session.received.length);
  switch (step.kind) {
    case "status":
      await send({ path: location.path }, model.status(session));
      return;
    case "cancel":
      if (step.choice > 3) return;
      await send({ method: "DELETE", path: location.path }, model.cancel(session));
      return;
    case "patch": {
      const body = rest.subarray(0, 1 + step.other * 40);
      const { headers, offset } = placed(step, location.offset, session, body);
      const answer = await send(
        { method: "PATCH", path: location.path, headers, body },
        model.append(session, offset, body),
      );
      if (answer.status === 202) locations.push({ path: pathOf(answer), offset: session.received.length });
      return;
    }
    case "put": {
      const body = step.choice === 1 ? EMPTY : rest;
      const { headers, offset } = placed(step, location.offset, session, body);
      const whole = universe.blobs.find(({ bytes }) => bytes === target)?.digest ?? universe.absent;
      const digest = step.choice === 2 ? universe.absent : whole;
      const ask = { method: "PUT", path: withQuery(location.path, { digest }), headers, body };
      const answer = await send(ask, model.commit(session, offset, body, digest, hashLike(digest)));
      if (answer.status === 201) open.closing = { ...ask, digest };
      return;
    }
    case "repeat put":
      if (open.closing === undefined) return;
      await send(open.closing, model.commit(session, 0, EMPTY, open.closing.digest, hashLike(open.closing.digest)));
      return;
    default:
      throw new Error(`${step.kind} isn't a request to a session`);
  }
}

/** Where a body says that it belongs: the location's offset, or a Content-Range in one of its forms. */
function placed({ choice }: Step, offset: number, { received }: Session, body: Buffer) {
  if (body.length === 0 || choice < 5) return { headers: {}, offset };
  const start = choice === 5 ? received.length + 1 : received.length;
  const end = start + body.length - 1;
  const range = pick([`${start}-${end}`, `bytes ${start}-${end}/*`, `bytes ${start}-${end}/${end + 1}`], choice);
  return { headers: { "content-range": range }, offset: start };
}

function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined) query.append(key, String(value));
  return query.size === 0 ? "" : `?${query.toString()}`;
}
