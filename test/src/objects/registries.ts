import { once } from "node:events";
import { request } from "node:http";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { randomContent, type Content } from "@longshore/testkit/fixtures";
import { fetchExpecting } from "@longshore/testkit/fetch-expecting";
import { attempt, run } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { startFaultProxy } from "@longshore/testkit/s3/fault-proxy";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { contentsOf, makeImage } from "../clients/images.js";
import { SLOW } from "../clients/site.js";
import { pullImage, pushImage, RequestFailed } from "../s3/pushes.js";
import { startReplica, type Replica } from "../s3/replicas.js";

const MIB = 1024 * 1024;
const V2 = "docker/registry/v2";

function blobName({ digest }: Content): string {
  const hex = digest.slice("sha256:".length);
  return `${V2}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}

type Parameters = Readonly<Record<string, unknown>>;

/** The object storage below the registries, and how its driver is configured. */
export interface RegistriesSubject {
  /** The driver's name in a configuration. */
  readonly driver: string;
  /** Released at the end of each test. */
  readonly own: <T extends AsyncDisposable>(resource: T) => T;
  /** Makes a bucket that no other test uses; returns its name. */
  readonly newBucket: () => Promise<string>;
  /** The driver's parameters for a bucket; `origin`: through what stands before the server, there. */
  readonly parameters: (bucket: string, origin?: string) => Parameters;
  /** The same, without what is in `env`. */
  readonly withoutSecrets: (parameters: Parameters) => {
    readonly parameters: Parameters;
    readonly env: Readonly<Record<string, string>>;
  };
  /** The server's own, for a proxy before it. */
  readonly origin: () => string;
  readonly bytesOf: (bucket: string, name: string) => Promise<Buffer>;
  /** The names of all objects. */
  readonly namesIn: (bucket: string) => Promise<readonly string[]>;
  /** How many parts of uploads have arrived since the last call. */
  readonly countParts: () => number;
  /** The parameters for a bucket that isn't there, and what is said about it. */
  readonly missing: { readonly parameters: Parameters; readonly message: RegExp };
  /** What nothing that is written may contain. */
  readonly secret: () => string;
}

/** What several registries over one bucket do, whatever the object storage is. */
export function registriesOverObjects(subject: RegistriesSubject): void {
  const { driver, own, newBucket, bytesOf } = subject;

  it(
    "continue the upload of one that was killed in the middle of it, and keep the bytes at Distribution's path",
    async () => {
      const bucket = await newBucket();
      const { parameters, env } = subject.withoutSecrets(subject.parameters(bucket));
      const replica = async (): Promise<Replica> => {
        const one = await startReplica({ storage: { [driver]: parameters }, http: { workers: 2 }, env });
        own({ [Symbol.asyncDispose]: () => one.stop() });
        return one;
      };
      const [first, second] = [await replica(), await replica()];
      const content = randomContent(30 * MIB);
      const start = await fetchExpecting(202, `http://${first.host}/v2/a/blobs/uploads/`, { method: "POST" });
      const patch = async (from: Response, bytes: Buffer, host: string): Promise<Response> =>
        fetchExpecting(202, at(from, host), { method: "PATCH", body: bytes });
      const begun = await patch(start, content.bytes.subarray(0, 12 * MIB), first.host);

      // A part of the next chunk has arrived when the registry is gone.
      const dying = request(at(begun, first.host), { method: "PATCH", headers: { "content-length": 18 * MIB } });
      const gone = once(dying, "error");
      subject.countParts();
      dying.write(content.bytes.subarray(12 * MIB, 25 * MIB));
      await expect.poll(() => subject.countParts()).toBeGreaterThan(0);
      await first.kill();
      await gone;

      const status = await fetchExpecting(204, at(begun, second.host));
      expect(status.headers.get("range")).toBe(`0-${12 * MIB - 1}`);
      const rest = await patch(status, content.bytes.subarray(12 * MIB), second.host);
      const end = at(rest, second.host);
      end.searchParams.set("digest", content.digest);
      await fetchExpecting(201, end, { method: "PUT" });
      const pulled = await fetchExpecting(200, `http://${second.host}/v2/a/blobs/${content.digest}`);
      expect(Buffer.from(await pulled.arrayBuffer()).equals(content.bytes)).toBe(true);
      expect((await bytesOf(bucket, blobName(content))).equals(content.bytes)).toBe(true);
    },
    SLOW,
  );

  it(
    "redirect clients to the bucket, or serve the bytes themselves",
    async () => {
      const parameters = subject.parameters(await newBucket());
      const content = randomContent(3 * MIB);
      for (const [disable, status] of [
        [false, 307],
        [true, 200],
      ] as const) {
        const replica = await startReplica({ storage: { [driver]: parameters, redirect: { disable } } });
        own({ [Symbol.asyncDispose]: () => replica.stop() });
        const url = `http://${replica.host}/v2/r/blobs`;
        const start = await fetchExpecting(202, `${url}/uploads/`, { method: "POST" });
        const end = at(start, replica.host);
        end.searchParams.set("digest", content.digest);
        await fetchExpecting(201, end, { method: "PUT", body: content.bytes });
        const answer = await fetch(`${url}/${content.digest}`, { redirect: "manual" });
        expect(answer.status).toBe(status);
        await answer.arrayBuffer();
        const bytes = await (await fetchExpecting(200, `${url}/${content.digest}`)).arrayBuffer();
        expect(Buffer.from(bytes).equals(content.bytes)).toBe(true);
      }
    },
    SLOW,
  );

  it(
    "lose nothing that was acknowledged while the service answers with errors, breaks and stalls",
    async () => {
      const proxy = own(await startFaultProxy(subject.origin(), { stall: 300 }));
      const parameters = subject.parameters(await newBucket(), proxy.endpoint);
      const replica = await startReplica({
        storage: { [driver]: parameters, redirect: { disable: true } },
        http: { workers: 2 },
      });
      own({ [Symbol.asyncDispose]: () => replica.stop() });
      const again = async (work: () => Promise<void>): Promise<void> => {
        for (let tries = 0; ; tries += 1) {
          try {
            await work();
            return;
          } catch (error) {
            if (!(error instanceof RequestFailed) || tries > 5) throw error;
            expect([0, 503]).toContain(error.status);
          }
        }
      };
      const images = Array.from({ length: 6 }, (_, index) => makeImage("oci", { bulk: index < 2 ? 11 * MIB : 30_000 }));
      await Promise.all(images.map((image, index) => again(() => pushImage(replica.host, `f/n${index}`, "1", image))));
      for (const [index, image] of images.entries())
        await again(() => pullImage(replica.host, `f/n${index}`, "1", image));
      expect((proxy.counts.get("requests") ?? 0) - (proxy.counts.get("pass") ?? 0)).toBeGreaterThan(5);
    },
    SLOW,
  );

  it(
    "have their garbage collected, and are checked by verify",
    async () => {
      const folder = own(await makeTemporaryFolder("objects"));
      const bucket = await newBucket();
      const parameters = subject.parameters(bucket);
      const replica = await startReplica({ storage: { [driver]: parameters } });
      own({ [Symbol.asyncDispose]: () => replica.stop() });
      const [kept, removed] = [makeImage("oci"), makeImage("oci")];
      await pushImage(replica.host, "g/a", "kept", kept);
      await pushImage(replica.host, "g/a", "removed", removed);
      await fetchExpecting(202, `http://${replica.host}/v2/g/a/manifests/${removed.manifest.digest}`, {
        method: "DELETE",
      });
      // Some services tell times in whole seconds.
      const pushed = Date.now();
      await expect.poll(() => Date.now(), { interval: 100 }).toBeGreaterThan(pushed + 2000);
      const config = join(folder.path, "config.yml");
      const write = (given: Parameters): Promise<void> =>
        writeFile(config, JSON.stringify({ version: 0.1, storage: { [driver]: given } }));
      await write(parameters);
      const { stdout } = await run(process.execPath, [PROGRAM, "garbage-collect", "--grace-period", "0s", config]);
      expect(stdout).toContain("eligible for deletion");
      const names = await subject.namesIn(bucket);
      for (const each of contentsOf(kept)) expect(names).toContain(blobName(each));
      const shared = new Set(contentsOf(kept).map(({ digest }) => digest));
      const unused = contentsOf(removed).filter(({ digest }) => !shared.has(digest));
      expect(unused.length).toBeGreaterThan(1);
      for (const each of unused) expect(names).not.toContain(blobName(each));
      await pullImage(replica.host, "g/a", "kept", kept);

      expect((await attempt(process.execPath, [PROGRAM, "verify", config])).stdout).toContain("no errors");
      await write({ ...parameters, ...subject.missing.parameters });
      const verified = await attempt(process.execPath, [PROGRAM, "verify", config]);
      expect(verified.stdout + verified.stderr).toMatch(subject.missing.message);
      expect(verified.stdout + verified.stderr).not.toContain(subject.secret());
    },
    SLOW,
  );
}

/** Where an upload goes on, at another replica. */
function at({ headers, url }: Response, host: string): URL {
  const next = new URL(headers.get("location") ?? url, url);
  next.host = host;
  return next;
}
