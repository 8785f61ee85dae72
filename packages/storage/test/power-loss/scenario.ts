import { inOne } from "@longshore/testkit/streams";
import type { Registry } from "../../src/contract/registry.js";
import { digestOf } from "../../src/model/digest.js";
import { OCI_MANIFEST } from "../../src/model/media-types.js";
import { CONFIG, encode, LAYER, repository, tag } from "../store/support.js";
import { pushItem, type World } from "./world.js";

/** An open session, and its intended content. */
export interface BegunUpload {
  readonly name: string;
  readonly uuid: string;
  readonly bytes: Uint8Array;
}

const described = (bytes: Uint8Array, mediaType: string) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

const imageOf = (config: Uint8Array, layer: Uint8Array, rest: Record<string, unknown> = {}): Uint8Array =>
  encode({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: described(config, CONFIG),
    layers: [described(layer, LAYER)],
    ...rest,
  });

/** More than a megabyte: enough for the digest to be stored with the session. */
const LARGE = 1_100_000;

/**
 * What clients do at two workers over one storage, mostly sequentially: monolithic and chunked pushes at both
 * workers, tags that one deletes and the other sets again, deletes, mounts, referrers, pushes of existing content.
 */
export async function play(world: World, first: Registry, second: Registry): Promise<readonly BegunUpload[]> {
  const one = "team/one";
  const two = "team/two/sub";
  const config = encode("a config");
  const layer = encode("a layer ".repeat(200));
  const large = encode("0123456789".repeat(LARGE / 10));
  const blob = (name: string, bytes: Uint8Array) => ({ kind: "blob", name, bytes }) as const;
  const manifest = (name: string, bytes: Uint8Array) => ({ kind: "manifest", name, bytes }) as const;
  const tagged = (name: string, text: string) => ({ kind: "tag", name, tag: text }) as const;
  const begun: BegunUpload[] = [];

  const pushBlob = (registry: Registry, name: string, bytes: Uint8Array) =>
    world.push([blob(name, bytes)], () => pushItem(registry, blob(name, bytes)));
  const pushImage = (registry: Registry, name: string, bytes: Uint8Array, ...tags: readonly string[]) =>
    world.push(
      [manifest(name, bytes), ...tags.map((each) => tagged(name, each))],
      () => pushItem(registry, manifest(name, bytes), tags),
      digestOf(bytes),
    );
  const untag = (registry: Registry, name: string, text: string) =>
    world.remove([tagged(name, text)], () => registry.repository(repository(name)).tags.delete(tag(text)));

  await Promise.all([pushBlob(first, one, config), pushBlob(second, one, layer)]);
  const image = imageOf(config, layer);
  await pushImage(first, one, image, "v1", "latest");

  const { uuid } = await first.repository(repository(one)).uploads.start();
  begun.push({ name: one, uuid, bytes: large });
  const half = LARGE - 50_000;
  const part = (from: number, to?: number) => ({ bytes: inOne(large.subarray(from, to)), offset: from });
  await first.repository(repository(one)).uploads.append(uuid, part(0, half));
  await second.repository(repository(one)).uploads.append(uuid, part(half));
  await world.push([blob(one, large)], () =>
    first.repository(repository(one)).uploads.commit(uuid, digestOf(large), undefined),
  );

  // A directory that another worker removes and this one recreates.
  await untag(second, one, "v1");
  await pushImage(first, one, image, "v1");
  await untag(first, one, "v1");
  await Promise.all([pushImage(second, one, image, "v1"), pushImage(first, one, image, "v1")]);

  const newer = imageOf(config, large);
  await pushImage(first, one, newer, "latest");
  await world.remove([manifest(one, newer), tagged(one, "latest")], () =>
    second.repository(repository(one)).manifests.delete(digestOf(newer)),
  );
  await pushImage(first, one, newer, "latest");

  const mount = (registry: Registry, bytes: Uint8Array) =>
    world.push([blob(two, bytes)], () =>
      registry.repository(repository(two)).blobs.mount(digestOf(bytes), repository(one)),
    );
  await Promise.all([mount(second, layer), mount(first, config)]);
  await pushImage(second, two, image, "v1");
  await world.remove([blob(two, layer)], () => first.repository(repository(two)).blobs.delete(digestOf(layer)));
  await mount(second, layer);

  const signature = imageOf(config, config, { subject: described(image, OCI_MANIFEST) });
  await pushImage(second, one, signature);
  await Promise.all([
    pushBlob(second, one, layer),
    pushImage(first, one, image, "v2"),
    pushImage(second, two, image, "v2"),
  ]);

  const left = await second.repository(repository(two)).uploads.start();
  begun.push({ name: two, uuid: left.uuid, bytes: large });
  await second.repository(repository(two)).uploads.append(left.uuid, part(0, half));
  const cancelled = await first.repository(repository(two)).uploads.start();
  await first.repository(repository(two)).uploads.append(cancelled.uuid, part(0, 1000));
  await second.repository(repository(two)).uploads.cancel(cancelled.uuid);
  return begun;
}
