import { MINUTE } from "@longshore/base/duration";
import { createDriver, openRegistry, parseRepositoryName } from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterEach, expect, it, vi } from "vitest";
import { cleanSpool, openSpool } from "../../src/blobs/spool.js";
import { sha256 } from "../fake-upstream.js";

afterEach(() => void vi.useRealTimers());

it("keeps the file of a download that stands still for an hour, and removes it an hour after its process ended", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  await using folder = await makeTemporaryFolder("spool");
  const driver = await createDriver("inmemory", {});
  const spool = await openSpool(driver, openRegistry(driver), folder.path);
  const file = await spool.create(parseRepositoryName("team/app"), spool.pathFor(sha256("a blob")));
  await file.write(Buffer.from("a"));
  await vi.advanceTimersByTimeAsync(60 * MINUTE);
  expect(await cleanSpool(driver, folder.path)).toBe(0);
  await spool.close();
  await vi.advanceTimersByTimeAsync(60 * MINUTE);
  expect(await cleanSpool(driver, folder.path)).toBe(1);
  expect(await cleanSpool(driver, folder.path)).toBe(0);
  await driver.close();
});
