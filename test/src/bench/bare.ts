import cluster from "node:cluster";
import { createWriteStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";
import { z } from "zod";

/**
 * What Node can do at all: a server that gives answers it was told, after the work that no registry with our promises can leave out: a
 * look at each file that says whether the answer still holds, and the lines of the log. Arguments: where it listens, where its log goes,
 * and the answers ({@link bareAnswers} as JSON). One process for each core, as the registry has.
 */

/** How the answers are told: by the path of their request. */
export const bareAnswers = z.record(
  z.string(),
  z.object({
    /** Name, value, name, value, …. */
    headers: z.array(z.string()),
    /** As base64. */
    body: z.string(),
    /** Looked at before each answer. */
    files: z.array(z.string()),
  }),
);

/** {@link bareAnswers} as read. */
export type BareAnswers = z.output<typeof bareAnswers>;

/** As many characters of the log are written at once as the registry does. */
const BATCH = 64 * 1024;
/** As long as the two lines that the registry writes for a request. */
const LINES = `${"-".repeat(100)}\n${"-".repeat(350)}\n`;

function serve(port: number, logFile: string, answers: BareAnswers): void {
  const log = createWriteStream(logFile, { flags: "a" });
  const bodies = new Map(Object.entries(answers).map(([path, { body }]) => [path, Buffer.from(body, "base64")]));
  let pending = "";
  createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    for (const file of answer.files) statSync(file);
    response.writeHead(200, answer.headers);
    if (request.method === "HEAD") response.end();
    else response.end(bodies.get(request.url ?? ""));
    pending += LINES;
    if (pending.length < BATCH) return;
    log.write(pending);
    pending = "";
  }).listen(port, "127.0.0.1");
}

const [port = "", logFile = "", answers = ""] = process.argv.slice(2);
if (port !== "" && cluster.isPrimary) {
  for (let worker = 0; worker < availableParallelism(); worker++) cluster.fork();
  process.once("SIGTERM", () => process.exit());
} else if (port !== "") {
  serve(Number(port), logFile, bareAnswers.parse(JSON.parse(answers)));
}
