import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startOriginal } from "../../s3/original.js";
import { startReplica } from "../../s3/replicas.js";
import { s3Parameters, type S3Server, startS3Server } from "@longshore/testkit/s3/server";
import type { Pace } from "../compare.js";
import { runLoad } from "../generate.js";
import type { LoadResult, PushJob } from "../load/job.js";
import { parseResult } from "../load/parse.js";
import { cpuSeconds, peakMemory, type ProcessMemory } from "../process-tree.js";
import type { SdkJob } from "./job.js";
import { median } from "../median.js";

const MIB = 1024 * 1024;
/** Bytes of a blob, how many of them, and how many at a time. */
const SIZE = 64 * MIB;
const COUNT = 8;
const CONNECTIONS = 4;
const SECRET = "the same on both sides";

const SUBJECTS = ["SDK alone", "longshore", "docker-registry"] as const;
export type Subject = (typeof SUBJECTS)[number];
export const WAYS = ["push, one PUT", "push, PATCH and PUT", "pull"] as const;
type Way = (typeof WAYS)[number];

/** Medians of the rounds. */
interface S3Figures {
  /** Bytes a second. */
  readonly rate: number;
  /** CPU seconds of the registry for each GiB. */
  readonly cpu: number;
}

export interface S3Report {
  readonly figures: ReadonlyMap<Way, ReadonlyMap<Subject, S3Figures>>;
  readonly memory: ReadonlyMap<Subject, readonly ProcessMemory[]>;
}

interface Contestant {
  readonly subject: Subject;
  /** The process at the root of its tree; none for the SDK. */
  readonly pid: number | undefined;
  readonly run: (way: Way, round: number) => Promise<LoadResult>;
}

const execute = promisify(execFile);
const SDK_LOAD = fileURLToPath(new URL("./sdk-load.js", import.meta.url));

/**
 * Pushes and pulls blobs through both registries and with the SDK alone, in turns, against one Ceph gateway over a disk. The
 * registries pass the bytes of pulls through: no redirects.
 */
export async function measureS3({ rounds }: Pick<Pace, "rounds">): Promise<S3Report> {
  await using server = await startS3Server("ceph", { cephStore: "bluestore" });
  const s3 = s3Parameters(server, await server.newBucket());
  const ours = await startReplica({ s3, storage: { redirect: { disable: true } }, http: { secret: SECRET } });
  try {
    await using theirs = await startOriginal(server, await server.newBucket(), { secret: SECRET });
    const contestants: readonly Contestant[] = [
      sdkAlone(server, await server.newBucket()),
      registry("longshore", ours.pid, ours.host),
      registry("docker-registry", theirs.pid, theirs.host),
    ];
    const samples = new Map<string, S3Figures[]>();
    for (let round = 0; round < rounds; round += 1) {
      const turn = contestants.map((_, index) => contestants[(index + round) % contestants.length]);
      for (const way of WAYS) {
        for (const contestant of turn) {
          if (contestant === undefined) continue;
          const key = `${way}\n${contestant.subject}`;
          samples.set(key, [...(samples.get(key) ?? []), await sample(contestant, way, round)]);
        }
      }
    }
    const figures = new Map(
      WAYS.map((way) => [
        way,
        new Map(SUBJECTS.map((subject) => [subject, summarise(samples.get(`${way}\n${subject}`))])),
      ]),
    );
    const memory = new Map<Subject, readonly ProcessMemory[]>();
    for (const { subject, pid } of contestants) if (pid !== undefined) memory.set(subject, await peakMemory(pid));
    return { figures, memory };
  } finally {
    await ours.stop();
  }
}

async function sample({ pid, run }: Contestant, way: Way, round: number): Promise<S3Figures> {
  const before = pid === undefined ? 0 : await cpuSeconds(pid);
  const { operations, seconds } = await run(way, round);
  const cpu = pid === undefined ? 0 : (await cpuSeconds(pid)) - before;
  const bytes = operations * SIZE;
  return { rate: bytes / seconds, cpu: cpu / (bytes / 1024 ** 3) };
}

function registry(subject: Subject, pid: number, host: string): Contestant {
  const origin = `http://${host}`;
  const pushed = new Map<number, readonly string[]>();
  const push = async (how: PushJob["how"], repository: string): Promise<LoadResult> =>
    runLoad({ kind: "push", origin, repository, how, size: SIZE, connections: CONNECTIONS, limit: { count: COUNT } });
  return {
    subject,
    pid,
    async run(way, round) {
      if (way === "push, PATCH and PUT") return push("patch", `bench/patched-${round}`);
      const repository = `bench/put-${round}`;
      if (way === "push, one PUT") {
        const result = await push("monolithic", repository);
        pushed.set(round, result.digests);
        return result;
      }
      const urls = (pushed.get(round) ?? []).map((digest) => `${origin}/v2/${repository}/blobs/${digest}`);
      return inTurns(urls, (some) => runLoad({ kind: "download", urls: some }));
    },
  };
}

function sdkAlone(server: S3Server, bucket: string): Contestant {
  const { endpoint, region, accessKey, secretKey } = server;
  const place = { server: { endpoint, region, accessKey, secretKey }, bucket, connections: CONNECTIONS };
  const load = async (job: SdkJob): Promise<LoadResult> =>
    parseResult((await execute(process.execPath, ["--no-warnings", SDK_LOAD, JSON.stringify(job)])).stdout);
  let keys: readonly string[] = [];
  return {
    subject: "SDK alone",
    pid: undefined,
    async run(way) {
      if (way === "pull") return inTurns(keys, (some) => load({ ...place, kind: "pull", keys: some }));
      const result = await load({ ...place, kind: "push", size: SIZE, count: COUNT });
      keys = result.digests;
      return result;
    },
  };
}

/** So many downloads at a time; the time in between, of starting the load, isn't counted. */
async function inTurns(
  items: readonly string[],
  work: (some: readonly string[]) => Promise<LoadResult>,
): Promise<LoadResult> {
  let operations = 0;
  let seconds = 0;
  for (let at = 0; at < items.length; at += CONNECTIONS) {
    const result = await work(items.slice(at, at + CONNECTIONS));
    operations += result.operations;
    seconds += result.seconds;
  }
  return { operations, seconds, digests: [] };
}

function summarise(samples: readonly S3Figures[] = []): S3Figures {
  return { rate: median(samples.map(({ rate }) => rate)), cpu: median(samples.map(({ cpu }) => cpu)) };
}
