import { createRandom } from "../gc/fuzz-universe.js";
import type { Answer, Ask } from "@longshore/testkit/http-client";
import type { RunningRegistry } from "@longshore/testkit/start-registry";
import { digestOf } from "@longshore/testkit/fixtures";
import type { HistoryOperation } from "./linearizable.js";
import * as model from "./model.js";

const CLIENTS = 8;
const OPERATIONS = 10;
const TAGS = ["v1", "v2", "v3"];
const MANIFESTS = 3;
const BLOBS = 2;
const INDEX = "application/vnd.oci.image.index.v1+json";

/** What clients do, each as often as it is named. */
const STEPS = [
  ...["push", "push", "push", "push", "pull", "pull", "pullDigest", "deleteTag", "deleteManifest", "deleteManifest"],
  ...["pushBlob", "mount", "headBlob", "deleteBlob", "session"],
] as const;

/** What the clients of one round saw, by tag, digest, blob and upload session. */
export interface Recorded {
  readonly requests: number;
  readonly times: model.Times;
  readonly keys: ReadonlyMap<string, readonly HistoryOperation[]>;
}

export interface RoundSettings {
  readonly registries: readonly RunningRegistry[];
  readonly over: model.Over;
  /** Repositories are named after it; nobody else uses them. */
  readonly name: string;
  readonly seed: number;
}

/**
 * Lets clients push, move, pull and delete a few tags and manifests, push, mount and delete a few blobs, and commit and cancel
 * the same upload sessions, all at once and through all of `registries`; then looks at what is there.
 */
export async function record({ registries, over, name, seed }: RoundSettings): Promise<Recorded> {
  const other = `${name}-from`;
  const bodies = Array.from({ length: MANIFESTS }, (_, index) =>
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { is: `${name} ${index}` } }),
  );
  const blobs = Array.from({ length: BLOBS }, (_, index) => `${name} ${index}`);
  const keys = new Map<string, HistoryOperation[]>();
  const pushes: Change[] = [];
  const deletes: (Change & { readonly title: string })[] = [];
  let requests = 0;
  const began = performance.now();

  const add = (key: string, ...operations: readonly HistoryOperation[]): void => {
    keys.set(key, [...(keys.get(key) ?? []), ...operations]);
  };

  /** Undefined where the outcome isn't known. */
  const ask = async (registry: RunningRegistry, request: Ask) => {
    const call = performance.now();
    const reply: Answer | undefined = await registry.client.ask(request).catch(() => undefined);
    requests += 1;
    const answer = reply !== undefined && reply.status < 500 ? reply : undefined;
    const times: model.Times = { call, end: answer === undefined ? Infinity : performance.now() };
    return { answer, times, status: answer?.status, is: `${registry.pid}: ${String(reply?.status)}` };
  };

  const pullFrom = async (registry: RunningRegistry, target: string): Promise<void> => {
    const { answer, times, is } = await ask(registry, { path: `/v2/${name}/manifests/${target}` });
    if (answer === undefined) return;
    const digest = answer.status === 200 ? String(answer.headers["docker-content-digest"]) : model.NOTHING;
    add(target, model.read(times, digest, `pull ${is} ${digest}`));
  };

  const headBlob = async (registry: RunningRegistry, blob: string): Promise<void> => {
    const digest = digestOf(blob);
    const { answer, times, is } = await ask(registry, { method: "HEAD", path: `/v2/${name}/blobs/${digest}` });
    if (answer !== undefined)
      add(digest, model.read(times, answer.status === 200 ? digest : model.NOTHING, `head ${is}`));
  };

  const startSession = async (registry: RunningRegistry): Promise<string> =>
    (await registry.client.ask({ method: "POST", path: `/v2/${name}/blobs/uploads/` })).headers.location ?? "";

  /** A session that one client commits while another cancels it. */
  const race = async (registry: RunningRegistry, at: number): Promise<void> => {
    const location = await startSession(registry);
    const key = `session ${location.replace(/\?.*/, "")}`;
    const path = location.replace(/^http:\/\/[^/]*/, "");
    const query = `${path}${path.includes("?") ? "&" : "?"}digest=${digestOf(path)}`;
    add(key, { call: 0, end: 0, title: "start", apply: () => "open" });
    const elsewhere = registries[(at + 1) % registries.length] ?? registry;
    const commit = async (): Promise<void> => {
      const { status, times, is } = await ask(registry, { method: "PUT", path: query, body: path });
      const optional = status !== 201;
      // Refused for good where the session has ended; another refusal, or none, may come of the other request.
      const apply = (state: string) => (state === "open" ? "committed" : undefined);
      if (status !== 404) add(key, { ...times, optional, title: `commit ${is}`, apply });
      else add(key, { ...times, title: `commit ${is}`, apply: (state) => (state === "open" ? undefined : state) });
    };
    const cancel = async (): Promise<void> => {
      const { status, times, is } = await ask(elsewhere, { method: "DELETE", path });
      const optional = status !== 204;
      // A commit that comes first isn't undone: the cancel finds nothing to do any more.
      const apply = (state: string) => (state === "open" ? "cancelled" : state);
      if (status !== 404) add(key, { ...times, optional, title: `cancel ${is}`, apply });
      else add(key, { ...times, title: `cancel ${is}`, apply: (state) => (state === "open" ? undefined : state) });
    };
    await Promise.all([commit(), cancel()]);
    const { status, times, is } = await ask(elsewhere, { path });
    if (status === undefined) return;
    const isOpen = status === 204;
    add(key, { ...times, title: `look ${is}`, apply: (state) => ((state === "open") === isOpen ? state : undefined) });
  };

  const act: Readonly<
    Record<(typeof STEPS)[number], (registry: RunningRegistry, at: number, pick: Pick) => Promise<void>>
  > = {
    push: async (registry, _at, { body, tag }) => {
      const digest = digestOf(body);
      const headers = { "Content-Type": INDEX };
      const { times, is } = await ask(registry, { method: "PUT", path: `/v2/${name}/manifests/${tag}`, headers, body });
      add(tag, ...model.push(times, digest, `push ${is} ${digest}`));
      add(digest, ...model.push(times, digest, `push ${is} by ${tag}`));
      pushes.push({ times, digest });
    },
    pull: (registry, _at, { tag }) => pullFrom(registry, tag),
    pullDigest: (registry, _at, { body }) => pullFrom(registry, digestOf(body)),
    deleteTag: async (registry, _at, { tag }) => {
      const { status, times, is } = await ask(registry, { method: "DELETE", path: `/v2/${name}/manifests/${tag}` });
      if (status === 404) add(tag, model.read(times, model.NOTHING, `delete ${is}`));
      else add(tag, ...model.remove(times, `delete ${is}`));
    },
    deleteManifest: async (registry, _at, { body }) => {
      const digest = digestOf(body);
      const { status, times, is } = await ask(registry, { method: "DELETE", path: `/v2/${name}/manifests/${digest}` });
      const title = `delete ${is} ${digest}`;
      if (status === 404) add(digest, model.read(times, model.NOTHING, title));
      else {
        add(digest, ...model.removeManifest(times, title));
        deletes.push({ times, digest, title });
      }
    },
    pushBlob: async (registry, _at, { blob }) => {
      const digest = digestOf(blob);
      const to = `/v2/${name}/blobs/uploads/?digest=${digest}`;
      const { times, is } = await ask(registry, { method: "POST", path: to, body: blob });
      add(digest, ...model.push(times, digest, `push ${is}`));
    },
    mount: async (registry, _at, { blob }) => {
      const digest = digestOf(blob);
      const path = `/v2/${name}/blobs/uploads/?mount=${digest}&from=${other}`;
      const { status, times, is } = await ask(registry, { method: "POST", path });
      if (status === 201) add(digest, ...model.push(times, digest, `mount ${is}`));
    },
    headBlob: (registry, _at, { blob }) => headBlob(registry, blob),
    deleteBlob: async (registry, _at, { blob }) => {
      const digest = digestOf(blob);
      const { status, times, is } = await ask(registry, { method: "DELETE", path: `/v2/${name}/blobs/${digest}` });
      if (status === 404) add(digest, model.read(times, model.NOTHING, `delete ${is}`));
      else add(digest, ...model.removeManifest(times, `delete ${is}`));
    },
    session: (registry, at) => race(registry, at),
  };

  for (const blob of blobs) {
    const path = `/v2/${other}/blobs/uploads/?digest=${digestOf(blob)}`;
    await registries[0]?.client.ask({ method: "POST", path, body: blob });
  }
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const random = createRandom(seed * 1000 + client);
      const oneOf = <T>(all: readonly [T, ...T[]] | readonly T[], otherwise: T): T =>
        all[Math.floor(random() * all.length)] ?? otherwise;
      const at = client % registries.length;
      const registry = registries[at];
      for (let count = 0; registry !== undefined && count < OPERATIONS; count += 1) {
        const step = oneOf(STEPS, "push");
        await act[step](registry, at, { body: oneOf(bodies, ""), tag: oneOf(TAGS, ""), blob: oneOf(blobs, "") });
      }
    }),
  );
  // What is there when nobody writes: without it a write that was lost at the very end wouldn't show.
  for (const registry of registries) {
    await Promise.all([...TAGS, ...bodies.map((body) => digestOf(body))].map((target) => pullFrom(registry, target)));
    await Promise.all(blobs.map((blob) => headBlob(registry, blob)));
  }
  for (const { times, digest, title } of deletes) {
    const isPushedAgain = pushes.some(
      (push) => push.digest === digest && push.times.call <= times.end && push.times.end >= times.call,
    );
    for (const tag of TAGS) add(tag, ...model.removeTagsOf({ times, digest, over, isPushedAgain, title }));
  }
  return { requests, keys, times: { call: began, end: performance.now() } };
}

interface Change {
  readonly times: model.Times;
  readonly digest: string;
}

/** What a step is about. */
interface Pick {
  readonly body: string;
  readonly tag: string;
  readonly blob: string;
}
