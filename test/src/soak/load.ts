import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { basic } from "../auth/support.js";
import { createRandom } from "../gc/fuzz-universe.js";
import { connectRaw, createHttpClient, type Answer, type HttpClient } from "@longshore/testkit/http-client";
import {
  contentOf,
  digestOf,
  locationOf,
  makeImage,
  OCI_MANIFEST,
  randomContent,
  withQuery,
  type Content,
  type Image,
} from "@longshore/testkit/fixtures";

/** What the load does, and how often it did it. */
type Counts = Map<string, number>;

export interface LoadSettings {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly seed: number;
  readonly clients: number;
}

/** A load that runs until it is ended. */
export interface Load {
  readonly counts: Counts;
  /** Answers that no request should have got: 5xx. */
  readonly faults: readonly string[];
  /** Ends it, with every connection and every upload session. */
  end(): Promise<void>;
}

const REPOSITORIES = ["soak/one", "soak/two", "soak/three", "public/four"];
/** Milliseconds that a client waits between two things at most: the load is bounded. */
const PAUSE = 20;

/** What is pushed again and again, so that neither storage nor caches grow by what is stored. */
interface Universe {
  readonly images: readonly Image[];
  readonly large: Content;
}

function createUniverse(): Universe {
  return { images: Array.from({ length: 24 }, () => makeImage()), large: contentOf(randomBytes(3 * 1024 * 1024)) };
}

/** Starts clients that push, pull, cancel, delete, fail, log in and break off, in an order that the seed decides. */
export function startLoad(settings: LoadSettings): Load {
  const counts: Counts = new Map();
  const faults: string[] = [];
  const ended = new AbortController();
  const universe = createUniverse();
  const running = Array.from({ length: settings.clients }, async (_, index) => {
    const client = createHttpClient(settings.url);
    const random = createRandom(settings.seed + index);
    const soaker = createSoaker({ ...settings, client, random, universe, faults });
    const names = Object.keys(soaker);
    try {
      while (!ended.signal.aborted) {
        const name = names[Math.floor(random() * names.length)] ?? "";
        await soaker[name]?.();
        counts.set(name, (counts.get(name) ?? 0) + 1);
        await delay(random() * PAUSE);
      }
    } finally {
      client.close();
    }
  });
  const all = Promise.all(running);
  // Whoever ends the load is told.
  all.catch(() => undefined);
  return {
    counts,
    faults,
    async end() {
      ended.abort();
      await all;
    },
  };
}

interface Soaker extends LoadSettings {
  readonly client: HttpClient;
  readonly random: () => number;
  readonly universe: Universe;
  readonly faults: string[];
}

/** The things that a client does, by name. */
function createSoaker(soaker: Soaker): Readonly<Record<string, () => Promise<void>>> {
  const { client, random, universe, user, password, url, faults } = soaker;
  const authorization = basic(user, password);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  };
  const ask = async (
    method: string,
    path: string,
    body?: Uint8Array | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const answer = await client.ask({ method, path, body, headers: { authorization, ...headers } });
    if (answer.status >= 500) faults.push(`${method} ${path}: ${answer.status} ${answer.text().slice(0, 200)}`);
    return answer;
  };
  const begin = async (name: string): Promise<string> => {
    const answer = await ask("POST", `/v2/${name}/blobs/uploads/`);
    return locationOf(answer);
  };
  const pushBlob = async (name: string, { bytes, digest }: Content): Promise<void> => {
    let location = await begin(name);
    if (random() < 0.5) location = locationOf(await ask("PATCH", location, bytes.subarray(0, 40)));
    else location = withQuery(location, {});
    const offset = Number((await ask("GET", location)).headers.range?.toString().split("-")[1] ?? 0);
    const rest = bytes.subarray(offset === 0 ? 0 : offset + 1);
    await ask("PUT", withQuery(location, { digest }), rest);
  };
  const pushImage = async (name: string, image: Image): Promise<void> => {
    for (const blob of [image.config, ...image.layers]) await pushBlob(name, blob);
    const tag = `t${universe.images.indexOf(image)}`;
    await ask("PUT", `/v2/${name}/manifests/${tag}`, image.manifest.bytes, { "content-type": image.mediaType });
  };
  const targetOf = (location: string): string => location.replace(/^http:\/\/[^/]*/, "");

  return {
    push: () => pushImage(pick(REPOSITORIES), pick(universe.images)),
    async pull() {
      const [name, image] = [pick(REPOSITORIES), pick(universe.images)];
      await ask("GET", `/v2/${name}/manifests/t${universe.images.indexOf(image)}`, undefined, { accept: OCI_MANIFEST });
      for (const { digest } of image.layers) await ask("GET", `/v2/${name}/blobs/${digest}`);
    },
    async range() {
      const { digest } = pick(universe.images).config;
      await ask("GET", `/v2/${pick(REPOSITORIES)}/blobs/${digest}`, undefined, { range: "bytes=3-9" });
    },
    async large() {
      const name = pick(REPOSITORIES);
      const location = await begin(name);
      await ask("PUT", withQuery(location, { digest: universe.large.digest }), universe.large.bytes);
    },
    async mount() {
      const { digest } = pick(universe.images).config;
      const answer = await ask(
        "POST",
        `/v2/${pick(REPOSITORIES)}/blobs/uploads/?mount=${digest}&from=${pick(REPOSITORIES)}`,
      );
      if (answer.status === 202) await ask("DELETE", locationOf(answer));
    },
    async cancel() {
      const location = await begin(pick(REPOSITORIES));
      const next = locationOf(await ask("PATCH", location, randomContent(20_000).bytes));
      await ask("DELETE", next);
    },
    async wrongDigest() {
      const location = await begin(pick(REPOSITORIES));
      await ask("PUT", withQuery(location, { digest: digestOf("something else") }), "x");
      await ask("DELETE", location);
    },
    async deleteManifest() {
      await ask("DELETE", `/v2/${pick(REPOSITORIES)}/manifests/${pick(universe.images).manifest.digest}`);
    },
    async deleteTag() {
      await ask("DELETE", `/v2/${pick(REPOSITORIES)}/manifests/t${Math.floor(random() * universe.images.length)}`);
    },
    async referrer() {
      const [name, subject] = [pick(REPOSITORIES), pick(universe.images)];
      await pushBlob(name, subject.config);
      const { digest, bytes } = subject.manifest;
      const config = {
        mediaType: "application/vnd.oci.empty.v1+json",
        digest: subject.config.digest,
        size: subject.config.bytes.length,
      };
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: "application/x-soak",
        config,
        layers: [],
        subject: { mediaType: OCI_MANIFEST, digest, size: bytes.length },
      });
      const path = `/v2/${name}/manifests/${digestOf(manifest)}`;
      await ask("PUT", path, manifest, { "content-type": OCI_MANIFEST });
      await ask("GET", `/v2/${name}/referrers/${digest}`);
      await ask("DELETE", path);
    },
    async lists() {
      await ask("GET", `/v2/${pick(REPOSITORIES)}/tags/list?n=3`);
      await ask("GET", "/v2/_catalog?n=2");
    },
    async errors() {
      await ask("GET", `/v2/${pick(REPOSITORIES)}/manifests/none`);
      await ask("GET", `/v2/${pick(REPOSITORIES)}/blobs/${digestOf("none")}`);
      await ask("GET", "/v2/UPPER/tags/list");
      await ask("PUT", `/v2/${pick(REPOSITORIES)}/manifests/bad`, "{", { "content-type": OCI_MANIFEST });
      await ask("PATCH", `/v2/${pick(REPOSITORIES)}/blobs/uploads/00000000-0000-4000-8000-000000000000?_state=x`, "x");
    },
    async login() {
      const scope = `repository:${pick(REPOSITORIES)}:pull`;
      const answer = await ask("GET", `/auth/token?service=registry&scope=${scope}`);
      const token = /"token":"([^"]+)"/.exec(answer.text())?.[1] ?? "";
      await ask("GET", "/v2/", undefined, { authorization: `Bearer ${token}` });
    },
    async wrongLogin() {
      await ask("GET", "/v2/", undefined, { authorization: basic("mallory", "wrong") });
      await ask("GET", "/v2/", undefined, { authorization: "Bearer e30.e30.AAAA" });
    },
    /** A client that is gone in the middle of a body. */
    async brokenPush() {
      const location = await begin(pick(REPOSITORIES));
      using connection = await connectRaw(url);
      connection.write(
        `PATCH ${targetOf(location)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 100000\r\n\r\n`,
      );
      connection.write(randomBytes(1000));
      await delay(random() * PAUSE);
      connection.socket.destroy();
      await ask("DELETE", location);
    },
    /** A client that is gone in the middle of a blob. */
    async brokenPull() {
      const { hostname, port } = new URL(url);
      const path = `/v2/${pick(REPOSITORIES)}/blobs/${universe.large.digest}`;
      const asked = request({ hostname, port, path, headers: { authorization }, agent: false });
      const begun = new Promise<void>((resolve) => {
        asked.once("response", (response) => response.once("readable", resolve).once("close", resolve));
        asked.once("error", () => resolve());
      });
      asked.end();
      await begun;
      asked.destroy();
    },
  };
}
