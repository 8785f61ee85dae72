import { afterAll, beforeAll, describe } from "vitest";
import type { HttpClient } from "../support/http-client.js";
import { startApi, STORAGES, type ApiSettings, type RunningApi, type Storage } from "../support/start-registry.js";

/** What the tests of a suite share. */
export interface Site {
  readonly storage: Storage;
  readonly api: () => RunningApi;
  readonly client: () => HttpClient;
  /** A repository that no other test uses. */
  readonly repository: () => string;
}

/** Declares `body`'s tests once for each storage, over an API that they share. */
export function describeStorages(title: string, body: (site: Site) => void, settings: ApiSettings = {}): void {
  describe.each(STORAGES)(`${title} on %s`, (storage) => {
    let running: RunningApi | undefined;
    let repositories = 0;
    const api = (): RunningApi => {
      if (running === undefined) throw new Error("the API runs only while tests do");
      return running;
    };
    beforeAll(async () => {
      running = await startApi({ ...settings, storage });
    });
    afterAll(async () => {
      await running?.stop();
    });
    body({
      storage,
      api,
      client: () => api().client,
      repository: () => `test/repo-${(repositories += 1)}`,
    });
  });
}
