/**
 * Runs every test and closes with what an operator of the run wants to know: which real clients and servers took part, which
 * were not found and what brings them, and `N passed, N failed` alone on the last line. Arguments go to vitest.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longshore-run-"));
const results = join(folder, "results.json");
const peers = join(folder, "peers.jsonl");

const code = await runVitest(process.argv.slice(2));
printPeers();
printCounts();
rmSync(folder, { recursive: true, force: true });
process.exitCode = code;

function runVitest(args) {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...reporters, ...args], {
    cwd: root,
    env: { ...process.env, PEERS_REPORT: peers },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exitCode) => resolve(exitCode ?? 1));
  });
}

function printPeers() {
  const records = existsSync(peers)
    ? readFileSync(peers, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];
  printState(records, "exercised", "Real clients and servers exercised:");
  const verdict = process.env.PEERS === "required" ? "which fails this run" : "so these suites were left out";
  printState(records, "missing", `Not found on this machine, ${verdict}:`);
}

function printState(records, state, heading) {
  const suites = new Map();
  for (const record of records.filter((candidate) => candidate.state === state)) {
    const name = `${record.peer} (Debian package ${record.package})`;
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
  const report = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : { testResults: [] };
  const statuses = report.testResults.flatMap((file) => file.assertionResults.map((test) => test.status));
  const count = (...wanted) => statuses.filter((status) => wanted.includes(status)).length;
  // A file that can't be loaded or a hook that throws fails without a failed test of its own.
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = Math.max(count("failed") + broken, code === 0 ? 0 : 1);
  const skipped = count("skipped", "pending", "todo", "disabled");
  console.log(`\n${count("passed")} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
}
