import { afterAll, beforeAll, describe } from "vitest";
import type { HttpClient } from "@longshore/testkit/http-client";
import { describePeers } from "@longshore/testkit/peers";
import { startApi, STORAGES, type ApiSettings, type RunningApi, type Storage } from "@longshore/testkit/start-registry";

/** What the tests of a suite share. */
export interface Site {
  readonly storage: Storage;
  readonly api: () => RunningApi;
  readonly client: () => HttpClient;
  /** A repository that no other test uses. */
  readonly repository: () => string;
}

/** Declares `body`'s tests once for each storage, over an API that they share; over Ceph's S3 gateway where it is installed. */
export function describeStorages(title: string, body: (site: Site) => void, settings: ApiSettings = {}): void {
  const declare = (storage: Storage): void => {
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
  };
  describe.each(STORAGES)(`${title} on %s`, declare);
  describePeers(`${title} on s3 (Ceph)`, ["ceph"], () => declare("s3 (Ceph)"));
}
