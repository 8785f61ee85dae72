import { runDownload, runHead } from "./gets.js";
import type { LoadJob, LoadResult } from "./job.js";
import { parseJob } from "./parse.js";
import { runPull } from "./pulls.js";
import { runManifests, runPush } from "./pushes.js";

async function runJob(job: LoadJob): Promise<LoadResult> {
  switch (job.kind) {
    case "head":
      return runHead(job);
    case "download":
      return runDownload(job);
    case "pull":
      return runPull(job);
    case "manifests":
      return runManifests(job);
    case "push":
      return runPush(job);
  }
}

const result = await runJob(parseJob(process.argv[2] ?? ""));
process.stdout.write(`${JSON.stringify(result)}\n`);
