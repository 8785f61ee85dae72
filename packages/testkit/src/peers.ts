import { appendFileSync } from "node:fs";
import { beforeAll, describe, it } from "vitest";
import { INSTALLED, NEWER, type Programs } from "./programs.js";
import { hasPeer, packageOf, PEERS, type PeerName } from "./peer-list.js";

/** One line of the report that `test/run.mjs` prints at the end of a run. */
interface PeerRecord {
  readonly state: "exercised" | "missing";
  readonly peer: string;
  readonly package: string;
  readonly suite: string;
}

/** True when a missing peer is a failure (`PEERS=required`), as in the project's own runs. */
function peersRequired(): boolean {
  return process.env["PEERS"] === "required";
}

/**
 * A suite that needs outside programs. If all of them are installed it runs, and the final report names it. If one is missing it
 * is left out, and the report names the program and its package; under `PEERS=required` it fails instead.
 */
export function describePeers(suite: string, names: readonly [PeerName, ...PeerName[]], body: () => void): void {
  const missing = names.filter((name) => !hasPeer(name));
  for (const name of missing) {
    record(name, "missing", suite);
  }
  if (missing.length > 0 && peersRequired()) {
    describe(suite, () => {
      it.each(missing)("needs %s", (name) => {
        throw new Error(`${PEERS[name].title} is not installed: ${packageOf(name)}`);
      });
    });
    return;
  }
  describe.runIf(missing.length === 0)(suite, () => {
    beforeAll(() => {
      for (const name of names) {
        record(name, "exercised", suite);
      }
    });
    body();
  });
}

/** {@link describePeers} for a suite named after its only peer. */
export function describePeer(name: PeerName, body: () => void): void {
  describePeers(PEERS[name].title, [name], body);
}

/** {@link describePeer} of a client, and the same suite again with the newer release of it. */
export function describeClient(name: PeerName, body: (programs: Programs) => void): void {
  const { title } = PEERS[name];
  describePeers(title, [name], () => body(INSTALLED));
  describePeers(`${title}, newer`, ["newer-clients"], () => body(NEWER));
}

function record(name: PeerName, state: PeerRecord["state"], suite: string): void {
  const report = process.env["PEERS_REPORT"];
  if (report === undefined || report === "") {
    return;
  }
  const line: PeerRecord = { state, peer: PEERS[name].title, package: packageOf(name), suite };
  appendFileSync(report, `${JSON.stringify(line)}\n`);
}
