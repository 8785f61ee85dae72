import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Image, makeImage } from "../clients/images.js";
import { inspect } from "../clients/inspect.js";
import { SLOW } from "../clients/site.js";
import { listen } from "@longshore/testkit/loopback";
import { runLength } from "@longshore/testkit/run-length";
import { FAIR_WEATHER, type FaultProxy, HARD_TIMES, startFaultProxy } from "@longshore/testkit/s3/fault-proxy";
import { s3Parameters, type StandIn, startStandIn } from "@longshore/testkit/s3/server";
import { inParallel, pullImage, pushImage, RequestFailed } from "./pushes.js";
import { type Replica, startReplica } from "./replicas.js";

/** Pushes and pulls, together; more, until each kind of fault has struck. */
const EXCHANGES = runLength({ short: 60, long: 1000, variable: "EXCHANGES" });
const PROOF = ["error-before", "error-after", "reset-before", "truncate", "stall"] as const;
const AT_A_TIME = 12;

interface Place {
  readonly storage: StandIn;
  readonly proxy: FaultProxy;
  readonly replica: Replica;
}

/** A registry whose way to its storage leads through the fault proxy. */
function usePlace(s3: Readonly<Record<string, unknown>>): () => Place {
  let place: Place | undefined;
  beforeAll(async () => {
    const storage = await startStandIn();
    const proxy = await startFaultProxy(storage.endpoint, { rates: FAIR_WEATHER });
    const parameters = s3Parameters({ ...reachedBy(storage), endpoint: proxy.endpoint }, await storage.newBucket());
    const replica = await startReplica({ s3: { ...parameters, ...s3 }, storage: { redirect: { disable: true } } });
    place = { storage, proxy, replica };
  }, SLOW);
  afterAll(async () => {
    await place?.replica.stop();
    await place?.proxy.stop();
    await place?.storage.stop();
  });
  return () => {
    if (place === undefined) throw new Error("the registry runs only while tests do");
    return place;
  };
}

function reachedBy({ region, accessKey, secretKey }: StandIn): Pick<StandIn, "region" | "accessKey" | "secretKey"> {
  return { region, accessKey, secretKey };
}

describe("a way to the storage that breaks", () => {
  const place = usePlace({});

  it(
    "lets no byte be wrong, no request hang, and nothing that is there be unknown",
    async () => {
      const { proxy, replica } = place();
      const images: { readonly name: string; readonly image: Image }[] = [];
      const isProven = (): boolean => PROOF.every((fate) => (proxy.counts.get(fate) ?? 0) > 0);
      function* dueImages() {
        while (images.length < EXCHANGES / 2 || !isProven()) {
          const index = images.length;
          const image = makeImage("oci", index % 25 === 0 ? { bulk: 11 * 1024 * 1024 } : {});
          const due = { name: `hard/n${index}`, image };
          images.push(due);
          yield due;
        }
      }
      const failed: RequestFailed[] = [];
      // Only what the registry owns up to may be tried again.
      const again = async (work: () => Promise<void>): Promise<void> => {
        for (let attempt = 1; ; attempt += 1) {
          try {
            await work();
            return;
          } catch (error) {
            if (!(error instanceof RequestFailed) || attempt === 10) throw error;
            failed.push(error);
          }
        }
      };
      proxy.rates = HARD_TIMES;
      const started = Date.now();
      await inParallel(AT_A_TIME, dueImages(), async ({ name, image }) => {
        await again(() => pushImage(replica.host, name, "1", image));
        await again(() => pullImage(replica.host, name, "1", image));
      });
      proxy.rates = FAIR_WEATHER;
      const fates = [...proxy.counts].map(([fate, count]) => `${fate} ${count}`).join(", ");
      console.log(
        `${2 * images.length} exchanges in ${Date.now() - started} ms, ${failed.length} began again; ${fates}`,
      );
      // A body that had begun can only be broken off; everything else says 503 and when to come again.
      const answers = failed.filter(({ status }) => status !== 0);
      expect(answers.map(({ message, status, retryAfter }) => [message, status, retryAfter === null])).toEqual(
        answers.map(({ message }) => [message, 503, false]),
      );
      await inParallel(AT_A_TIME, images, ({ name, image }) => pullImage(replica.host, name, "1", image));
    },
    6 * SLOW,
  );
});

describe("a storage that is down", () => {
  // Little patience, so that the test needs little too.
  const place = usePlace({ maxattempts: 3, retrydeadline: "3s", circuitthreshold: 5, circuittime: "1s" });
  const image: Image = makeImage("oci");

  const ask = async (method: string, path: string): Promise<{ response: Response; milliseconds: number }> => {
    const started = Date.now();
    const response = await fetch(`http://${place().replica.host}/v2/down/${path}`, { method });
    await response.arrayBuffer();
    return { response, milliseconds: Date.now() - started };
  };

  it(
    "is 503 with Retry-After, soon at once; never 404; and is over as soon as it is back",
    async () => {
      const { replica, proxy } = place();
      await inspect(replica.host).push("down", "1", image);
      const requests = [
        ["GET", "manifests/1"],
        ["HEAD", "manifests/1"],
        ["GET", `blobs/${image.config.digest}`],
        ["HEAD", `blobs/${image.config.digest}`],
        ["GET", "tags/list"],
        ["POST", "blobs/uploads/"],
        ["GET", "manifests/unknown"],
      ] as const;
      await proxy.down();
      for (const [method, path] of requests) {
        const { response } = await ask(method, path);
        expect([method, path, response.status]).toEqual([method, path, 503]);
        expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      }
      // The circuit is open by now.
      const quick = await Promise.all(requests.map(([method, path]) => ask(method, path)));
      for (const { response, milliseconds } of quick) {
        expect(response.status).toBe(503);
        expect(milliseconds).toBeLessThan(10_000);
      }
      expect((await fetch(`http://${replica.host}/v2/`)).status).toBe(200);
      await proxy.up();
      await expect.poll(async () => (await ask("GET", "manifests/1")).response.status).toBe(200);
      await inspect(replica.host).verify("down", "1");
      expect((await ask("GET", "manifests/unknown")).response.status).toBe(404);
    },
    SLOW,
  );

  it(
    "that takes connections and never answers is 503 within the bound",
    async () => {
      await using silent = await listenSilently();
      const parameters = s3Parameters({ ...reachedBy(place().storage), endpoint: silent.endpoint }, "any");
      const patience = { requesttimeout: "1s", maxattempts: 2, retrydeadline: "3s" };
      const replica = await startReplica({ s3: { ...parameters, ...patience } });
      try {
        const response = await fetch(`http://${replica.host}/v2/down/manifests/1`, {
          signal: AbortSignal.timeout(20_000),
        });
        expect([response.status, response.headers.has("retry-after")]).toEqual([503, true]);
      } finally {
        await replica.stop();
      }
    },
    SLOW,
  );
});

async function listenSilently(): Promise<{ endpoint: string } & AsyncDisposable> {
  const server = createServer((socket) => socket.on("error", () => undefined).resume());
  const { url, close } = await listen(server);
  return { endpoint: url, [Symbol.asyncDispose]: close };
}
