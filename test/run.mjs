/**
 * Runs every test. Says first what that is, how long it takes here and which real clients and servers are missing, and closes
 * with which of those took part and `N passed, N failed` alone on the last line, on Ctrl-C, too. `--long` is the long form of
 * the tests that have one; other arguments go to vitest.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasPeer, packageOf, PEERS } from "@longshore/testkit/peer-list";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longshore-run-"));
const peers = join(folder, "peers.jsonl");
const progress = join(folder, "progress.jsonl");
/** How long the forms took here, in minutes. */
const durations = join(root, "node_modules/.cache/longshore/durations.json");
/** On two cores, where none was measured yet: without outside programs, and with all of them. Only the short form with all was measured. */
const USUAL = { short: [15, 45], long: [30, 90] };

const form = process.argv.includes("--long") || process.env.TESTS === "long" ? "long" : "short";
const args = process.argv.slice(2).filter((argument) => argument !== "--long");
const missing = Object.keys(PEERS).filter((name) => !hasPeer(name));

printPlan();
let isInterrupted = false;
const started = Date.now();
const code = await runVitest();
if (code === 0 && args.length === 0) rememberDuration((Date.now() - started) / 60_000);
printPeers();
printCounts();
rmSync(folder, { recursive: true, force: true });
process.exitCode = isInterrupted ? 130 : code;

function printPlan() {
  const what = args.length === 0 ? `every test, in its ${form} form` : `${args.join(" ")}, in its ${form} form`;
  const other = form === "short" ? " (npm run test:long has the long one)" : "";
  console.log(`Running ${what}${other}.`);
  if (args.length === 0) {
    const known = readJson(durations)[durationKey()];
    const usual = USUAL[form][missing.length === 0 ? 1 : 0];
    const cores = availableParallelism();
    console.log(
      known === undefined
        ? `It takes about ${usual} minutes on two quiet cores (${cores} here)${missing.length === 0 ? "" : ", more with outside programs"}.`
        : `It took ${known.toFixed(1)} minutes here the last time.`,
    );
  }
  if (missing.length > 0) {
    const verdict = process.env.PEERS === "required" ? "their tests will fail" : "their tests are left out";
    console.log(`Outside programs that are missing, so that ${verdict}:`);
    for (const name of missing) console.log(`  ${PEERS[name].title} (${packageOf(name)})`);
  }
  console.log("");
}

function runVitest() {
  const reporters = ["--reporter=default", `--reporter=${join(root, "test/progress.mjs")}`];
  const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...reporters, ...args], {
    cwd: root,
    env: { ...process.env, PEERS_REPORT: peers, PROGRESS_REPORT: progress, TESTS: form },
    stdio: ["ignore", "inherit", "inherit"],
    // In a process group of its own, vitest gets each signal once, whether a terminal sent it to the group or a program to this
    // process alone. It ends its tests on the first SIGINT and at once on the second; the summary follows.
    detached: true,
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      isInterrupted = true;
      child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode) => resolve(exitCode ?? 1));
  });
}

function durationKey() {
  return `${form}, ${Object.keys(PEERS).length - missing.length} outside programs`;
}

function rememberDuration(minutes) {
  mkdirSync(dirname(durations), { recursive: true });
  writeFileSync(durations, JSON.stringify({ ...readJson(durations), [durationKey()]: minutes }));
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

function readLines(path) {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

function printPeers() {
  const records = readLines(peers);
  printState(records, "exercised", "Real clients and servers exercised:");
  const verdict = process.env.PEERS === "required" ? "which fails this run" : "so these suites were left out";
  printState(records, "missing", `Not found on this machine, ${verdict}:`);
}

function printState(records, state, heading) {
  const suites = new Map();
  for (const record of records.filter((candidate) => candidate.state === state)) {
    const name = `${record.peer} (${record.package})`;
    suites.set(name, (suites.get(name) ?? new Set()).add(record.suite));
  }
  if (suites.size === 0) {
    return;
  }
  console.log(`\n${heading}`);
  for (const [name, used] of [...suites].sort()) {
    console.log(`  ${name}: ${[...used].sort().join("; ")}`);
  }
}

function printCounts() {
  const files = readLines(progress);
  const count = (state) => files.reduce((sum, file) => sum + file[state], 0);
  const failures = files.filter((file) => file.failed > 0);
  if (failures.length > 0) {
    console.log("\nFailed:");
    for (const { file, failed } of failures) console.log(`  ${file}: ${failed}`);
  }
  if (isInterrupted)
    console.log(`\nInterrupted after ${files.length} test files; tests that were under way count as failed.`);
  const failed = Math.max(count("failed"), code === 0 || isInterrupted ? 0 : 1);
  const skipped = count("skipped");
  console.log(`\n${count("passed")} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
}
