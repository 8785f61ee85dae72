import { accessSync, appendFileSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { beforeAll, describe, it } from "vitest";

/** An outside program that some tests drive, and the Debian package that brings it. */
interface Peer {
  readonly title: string;
  /** Every one of these has to be on the PATH. */
  readonly programs: readonly string[];
  /** Nor is it here without these. */
  readonly files?: readonly string[];
  readonly package: string;
}

/** A library for Debian's own Python, without a program. */
const SWIFT = "/usr/lib/python3/dist-packages/swift/__init__.py";

const PEERS = {
  docker: { title: "Docker engine", programs: ["dockerd", "docker", "containerd", "runc"], package: "docker.io" },
  compose: { title: "Docker Compose", programs: ["docker-compose"], package: "docker-compose (forky)" },
  "docker-registry": { title: "CNCF Distribution 2.8", programs: ["docker-registry"], package: "docker-registry" },
  skopeo: { title: "skopeo", programs: ["skopeo"], package: "skopeo" },
  podman: { title: "podman", programs: ["podman"], package: "podman" },
  buildah: { title: "buildah", programs: ["buildah"], package: "buildah" },
  containerd: { title: "containerd's ctr", programs: ["containerd", "ctr", "runc"], package: "containerd" },
  crane: { title: "crane", programs: ["crane"], package: "crane (forky)" },
  oras: { title: "oras", programs: ["oras"], package: "oras (forky)" },
  htpasswd: { title: "htpasswd", programs: ["htpasswd"], package: "apache2-utils" },
  nginx: { title: "nginx", programs: ["nginx"], package: "nginx-light" },
  wrk: { title: "wrk", programs: ["wrk"], package: "wrk" },
  ceph: {
    title: "Ceph's S3 gateway",
    programs: ["ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool", "setpriv"],
    package: "ceph-mon, ceph-osd, radosgw",
  },
  swift: { title: "OpenStack Swift", programs: ["setpriv"], files: [SWIFT], package: "python3-swift" },
  redis: { title: "Redis", programs: ["redis-server"], package: "redis-server" },
  "redis-sentinel": { title: "Redis Sentinel", programs: ["redis-sentinel"], package: "redis-sentinel" },
  prometheus: { title: "Prometheus", programs: ["prometheus", "promtool"], package: "prometheus" },
  debootstrap: { title: "debootstrap", programs: ["debootstrap"], package: "debootstrap" },
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof PEERS;

/** One line of the report that `test/run.mjs` prints at the end of a run. */
interface PeerRecord {
  readonly state: "exercised" | "missing";
  readonly peer: string;
  readonly package: string;
  readonly suite: string;
}

/**
 * Where a program lies on the PATH, or undefined. Debian keeps servers in the sbin folders, which an ordinary user's PATH lacks.
 */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** True when every program of the peer is on this machine. */
function hasPeer(name: PeerName): boolean {
  const { programs, files = [] }: Peer = PEERS[name];
  return programs.every((program) => findProgram(program) !== undefined) && files.every((file) => existsSync(file));
}

/** True when a missing peer is a failure (`PEERS=required`), as in the project's own runs. */
function peersRequired(): boolean {
  return process.env["PEERS"] === "required";
}

/**
 * A suite that needs outside programs. With all of them here it runs and is named in the closing report. With one missing it
 * is left out and the report names the program and its package; under `PEERS=required` it fails instead.
 */
export function describePeers(suite: string, names: readonly [PeerName, ...PeerName[]], body: () => void): void {
  const missing = names.filter((name) => !hasPeer(name));
  for (const name of missing) {
    record(name, "missing", suite);
  }
  if (missing.length > 0 && peersRequired()) {
    describe(suite, () => {
      it.each(missing)("needs %s", (name) => {
        throw new Error(`${PEERS[name].title} is not installed; Debian's package is ${PEERS[name].package}`);
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

/** {@link describePeers} for a suite that carries the name of its only peer. */
export function describePeer(name: PeerName, body: () => void): void {
  describePeers(PEERS[name].title, [name], body);
}

function record(name: PeerName, state: PeerRecord["state"], suite: string): void {
  const report = process.env["PEERS_REPORT"];
  if (report === undefined || report === "") {
    return;
  }
  const line: PeerRecord = { state, peer: PEERS[name].title, package: PEERS[name].package, suite };
  appendFileSync(report, `${JSON.stringify(line)}\n`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
