import { Resources } from "@longshore/base/resources";
import { openActivity } from "@longshore/inventory";
import {
  createDriver,
  openRegistry,
  parseDigest,
  parseRepositoryName,
  parseTagName,
  type Digest,
  type Registry,
  type StorageDriver,
  type TagName,
} from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import {
  RetentionUnderWayError,
  runRetention,
  type RetentionPorts,
  type RetentionResult,
} from "../../src/retention/run-retention.js";
import { silentLog } from "../../src/observability/log.js";
import { openStored } from "../../src/open-storage.js";
import { configOf } from "../config/support.js";

const INDEX = "application/vnd.oci.image.index.v1+json";
const HOUR = 3_600_000;
const APP = parseRepositoryName("team/app");
const USED = parseRepositoryName("used");

const config = configOf(`version: 0.1
storage: { inmemory: }
policy:
  immutable: [{ name: releases, tags: ["v*"] }]
  retention:
    rules:
      - { name: used, repositories: [used], pulledwithin: 48h }
      - { name: builds, repositories: ["team/*"], excepttags: [multi, v1], newest: 1, youngerthan: 24h }
    untagged: [{ name: soon, repositories: ["team/*"], age: 24h }]
`);

interface Store {
  readonly driver: StorageDriver;
  readonly registry: Registry;
  readonly push: (
    title: string,
    options?: { readonly tag?: string; readonly children?: readonly string[] },
  ) => Promise<string>;
  readonly tags: () => Promise<readonly TagName[]>;
  readonly retain: (hours: number, ports?: Partial<RetentionPorts>) => Promise<RetentionResult>;
}

async function openStore(driver: StorageDriver, opened: Resources): Promise<Store> {
  const { registry, inventory } = await openStored(config, driver, opened, silentLog);
  const { manifests, tags } = registry.repository(APP);
  return {
    driver,
    registry,
    async push(title, { tag, children = [] } = {}) {
      const descriptors = children.map((digest) => ({ mediaType: INDEX, digest, size: 2 }));
      const bytes = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: descriptors, annotations: { title } }),
      );
      const pushed = await manifests.put({
        bytes,
        mediaType: INDEX,
        tags: tag === undefined ? [] : [parseTagName(tag)],
        incomplete: true,
      });
      return pushed.descriptor.digest;
    },
    tags: async () => (await tags.list()).items,
    retain: (hours, ports) =>
      runRetention(config, {
        driver,
        registry,
        inventory,
        signal: new AbortController().signal,
        dryRun: false,
        observer: {},
        now: () => Date.now() + hours * HOUR,
        ...ports,
      }),
  };
}

const signatureOf = (digest: string): string => `${digest.replace(":", "-")}.sig`;

describe.each(["inmemory", "filesystem"] as const)("retention over %s", (kind) => {
  const over = async (work: (store: Store) => Promise<void>): Promise<void> => {
    await using folder = await makeTemporaryFolder("retention");
    const driver = await createDriver(kind, kind === "inmemory" ? {} : { rootdirectory: folder.path });
    await using opened = new Resources();
    opened.add(driver);
    await work(await openStore(driver, opened));
  };

  it("removes tags that weren't pulled for long enough, once that is known", () =>
    over(async ({ driver, registry, retain }) => {
      const { manifests, tags } = registry.repository(USED);
      const pushed = new Map<string, Digest>();
      for (const title of ["by-tag", "by-digest", "never"]) {
        const bytes = Buffer.from(
          JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations: { title } }),
        );
        const { descriptor } = await manifests.put({ bytes, mediaType: INDEX, tags: [parseTagName(title)] });
        pushed.set(title, descriptor.digest);
      }
      const left = async () => (await tags.list()).items;
      const all = await left();
      await retain(100);
      expect(await left()).toEqual(all);

      const began = Date.now();
      for (const hours of [0, 30]) {
        const activity = openActivity(driver, {
          processId: `at-${hours}`,
          interval: HOUR,
          maxItems: 100,
          role: "records",
          onTrouble: (error) => expect.unreachable(String(error)),
          now: () => began + hours * HOUR,
        });
        for (const [title, digest] of pushed) {
          if (hours === 0 || title === "by-tag") activity.recordPull(USED, digest, parseTagName(title));
          if (hours === 30 && title === "by-digest") activity.recordPull(USED, digest, undefined);
        }
        await activity.close();
      }
      await using opened = new Resources();
      const { inventory } = await openStored(config, driver, opened, silentLog);
      await retain(47, { inventory });
      expect(await left()).toEqual(all);
      await retain(50, { inventory });
      expect(await left()).toEqual(["by-digest", "by-tag"]);
    }));

  it("goes on with the rest where a delete of a manifest was killed before its tags were gone", () =>
    over(async ({ driver, push, tags, retain }) => {
      await push("old", { tag: "b-1" });
      const deleted = parseDigest(await push("deleted", { tag: "b-3" }));
      await push("new", { tag: "b-2" });
      const list: StorageDriver["list"] = (path, options) =>
        path.endsWith("/_manifests/tags") ? Promise.reject(new Error("killed")) : driver.list(path, options);
      const dying = openRegistry({ ...driver, list }).repository(APP);
      await expect(dying.manifests.delete(deleted)).rejects.toThrow("killed");
      expect(await tags()).toEqual(["b-1", "b-2", "b-3"]);

      await using opened = new Resources();
      const { inventory } = await openStored(config, driver, opened, silentLog);
      const problems: string[] = [];
      const observer = { problem: (text: string) => void problems.push(text) };
      // It might be a push that is under way.
      expect(await retain(0.5, { inventory, observer })).toMatchObject({ removed: 0, problems: 1 });
      expect(problems).toEqual([expect.stringContaining("team/app is left alone")]);

      // The tag isn't counted among the newest, either.
      expect(await retain(25, { inventory, observer })).toMatchObject({ kept: 1, removed: 1, problems: 1 });
      expect(problems.at(-1)).toContain(`team/app:b-3 points to ${deleted}, which isn't there`);
      expect(await tags()).toEqual(["b-2", "b-3"]);
    }));

  it("removes tags that no rule keeps, and signatures with what they sign", () =>
    over(async ({ push, tags, retain }) => {
      const old = await push("old", { tag: "b-1" });
      const child = await push("child", { tag: "b-2" });
      await push("multi", { tag: "multi", children: [child] });
      await push("released", { tag: "v1" });
      const last = await push("last", { tag: "b-9" });
      const signatures = [
        signatureOf(old),
        signatureOf(child),
        signatureOf(last),
        signatureOf(`sha256:${"0".repeat(64)}`),
      ];
      for (const tag of signatures) await push(`about ${tag}`, { tag });
      const all = await tags();

      // All is young.
      expect(await retain(1)).toMatchObject({ removed: 0, kept: all.length });
      const decided: string[] = [];
      const dry = await retain(48, {
        dryRun: true,
        observer: { decided: (_, { tag, kept, rule }) => void decided.push(`${tag} ${kept} ${rule ?? "-"}`) },
      });
      expect(dry).toEqual({ repositories: 1, kept: all.length - 2, removed: 2, changed: 0, problems: 0 });
      expect(decided).toEqual(expect.arrayContaining(["b-1 false builds", "b-2 true -", "v1 true releases"]));
      expect(await tags()).toEqual(all);

      const removed: string[] = [];
      const result = await retain(48, { observer: { removed: (_, { tag }) => void removed.push(tag) } });
      expect(result).toEqual(dry);
      expect(removed).toEqual(["b-1", signatures[0]]);
      expect(await tags()).toEqual(all.filter((tag) => !removed.includes(tag)));
      expect(await retain(48)).toMatchObject({ removed: 0 });
    }));

  it("keeps the signature of an untagged manifest until that is old enough", () =>
    over(async ({ push, tags, retain }) => {
      const untagged = await push("untagged");
      await push("newest", { tag: "x" });
      await push("signature", { tag: signatureOf(untagged) });
      expect(await retain(23)).toMatchObject({ removed: 0 });
      expect(await retain(25)).toMatchObject({ removed: 1 });
      expect(await tags()).toEqual(["x"]);
    }));

  it("leaves alone what was moved, or is needed again, since the decision", () =>
    over(async ({ registry, push, tags, retain }) => {
      const old = await push("old", { tag: "b-1" });
      await push("other", { tag: "b-2" });
      await push("signature", { tag: signatureOf(old) });
      await push("last", { tag: "b-9" });
      // As if clients pushed after the decision, just before the first removal.
      let moved: Promise<unknown> | undefined;
      const inBetween: Registry = {
        ...registry,
        repository: (name) => {
          const repository = registry.repository(name);
          return {
            ...repository,
            tags: {
              ...repository.tags,
              delete: async (tag, options) => {
                moved ??= Promise.all([
                  repository.tags.set(parseTagName("multi"), parseDigest(old)),
                  push("newer", { tag: "b-2" }),
                ]);
                await moved;
                return repository.tags.delete(tag, options);
              },
            },
          };
        },
      };
      const result = await retain(48, { registry: inBetween });
      expect(result).toMatchObject({ removed: 1, changed: 2 });
      expect(await tags()).toEqual(["b-2", "b-9", "multi", signatureOf(old)]);
    }));

  it("runs once at a time", () =>
    over(async ({ registry, push, retain }) => {
      await push("one", { tag: "a" });
      await push("two", { tag: "b" });
      let second: Promise<unknown> | undefined;
      await retain(48, {
        registry: {
          ...registry,
          repositories: async (page) => {
            second = retain(48).catch((error: unknown) => error);
            await second;
            return registry.repositories(page);
          },
        },
      });
      expect(await second).toBeInstanceOf(RetentionUnderWayError);
    }));
});
