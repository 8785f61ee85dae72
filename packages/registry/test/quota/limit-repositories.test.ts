import { createDriver, digestOf, openRegistry, parseRepositoryName } from "@longshore/storage";
import { expect, it } from "vitest";
import { ApiError } from "../../src/errors/api-error.js";
import { limitRepositories } from "../../src/quota/limit-repositories.js";
import type { Reservations } from "../../src/quota/reservations.js";

it("a blob that can't be counted takes nothing from those that are there", async () => {
  const registry = openRegistry(await createDriver("inmemory", {}));
  let isContended = false;
  const reservations: Reservations = {
    take: () =>
      isContended
        ? Promise.reject(new ApiError("UNAVAILABLE"))
        : Promise.resolve({ warning: undefined, release: () => Promise.resolve() }),
  };
  const limited = limitRepositories(registry, {
    rules: [{ name: "teams", prefix: "team", bytes: 1000, warnat: 90 }],
    reservations,
    look: () => Promise.resolve({ amounts: { bytes: 0, tags: 0, repositories: 0 }, has: () => false }),
    unreferencedFor: 1000,
    onNear: () => undefined,
  });
  const { uploads, blobs } = limited.repository(parseRepositoryName("team/app"));
  const content = Buffer.from("a layer");
  const push = async () => {
    const { uuid } = await uploads.start();
    const bytes = (async function* () {
      yield await Promise.resolve(Buffer.from(content));
    })();
    return uploads.commit(uuid, digestOf(content), { bytes, length: content.byteLength });
  };
  await push();
  isContended = true;
  await expect(push()).rejects.toThrow(ApiError);
  expect(await blobs.stat(digestOf(content))).toMatchObject({ size: content.byteLength });
});
