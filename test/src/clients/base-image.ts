import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, readFile, realpath, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findProgram } from "@longshore/testkit/peer-list";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";

const RECIPE = "1";
const TRUST = "/etc/ssl/certs/ca-certificates.crt";

/** What the image's build is told so that npm inside it reaches what npm on this machine reaches. */
export interface NpmSettings {
  readonly registry: string;
  /** A file of the stand-in, where this machine names one. */
  readonly cafile: string | undefined;
}

/**
 * A stand-in for the node base image on a machine that can't pull one: Debian's minimal system with this machine's Node, npm
 * and trusted authorities. Says the path of its root file system as a tar archive, which is made once for each Node and kept
 * among the machine's temporary files.
 */
export async function standInForNodeImage(): Promise<string> {
  const node = await realpath(process.execPath);
  const npm = dirname(dirname(await realpath(findProgram("npm") ?? "")));
  const trust = await readFile(TRUST);
  const key = createHash("sha256")
    .update(`${RECIPE} ${process.version} ${npm}`)
    .update(trust)
    .digest("hex")
    .slice(0, 16);
  const archive = join(tmpdir(), `longshore-base-${key}`, "rootfs.tar");
  if (existsSync(archive)) {
    return archive;
  }
  await using work = await makeTemporaryFolder("base");
  const rootfs = join(work.path, "rootfs");
  await run(
    "debootstrap",
    ["--variant=minbase", "--include=ca-certificates", "bookworm", rootfs, ...(await debianMirror())],
    {
      timeout: 600_000,
    },
  );
  await run("tar", [
    "-C",
    rootfs,
    ...UNNEEDED.map((path) => `--exclude=${path}`),
    "-cf",
    join(work.path, "slim.tar"),
    ".",
  ]);
  await rm(rootfs, { recursive: true });
  await mkdir(rootfs);
  await run("tar", ["-C", rootfs, "-xf", join(work.path, "slim.tar")]);

  const local = join(rootfs, "usr/local");
  await copyFile(node, join(local, "bin/node"));
  await chmod(join(local, "bin/node"), 0o755);
  await cp(npm, join(local, "lib/node_modules/npm"), { recursive: true });
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"));
  await symlink("../lib/node_modules/npm/bin/npx-cli.js", join(local, "bin/npx"));
  await copyFile(TRUST, join(rootfs, TRUST));

  const finished = join(work.path, "rootfs.tar");
  await run("tar", ["-C", rootfs, "-cf", finished, "."]);
  await mkdir(dirname(archive), { recursive: true });
  await rename(finished, archive);
  return archive;
}

/** How npm on this machine reaches its registry. Names and passwords are not looked for: a registry that wants them fails. */
export async function npmSettings(): Promise<NpmSettings> {
  const read = async (key: string) => (await run("npm", ["config", "get", key])).stdout.trim();
  const cafile = await read("cafile");
  return { registry: await read("registry"), cafile: cafile === "null" || cafile === "" ? undefined : TRUST };
}

const UNNEEDED = [
  "./var/cache/apt/*",
  "./var/lib/apt/lists/*",
  "./usr/share/doc/*",
  "./usr/share/locale/*",
  "./usr/share/man/*",
];

/** The mirror that apt on this machine uses for Debian itself; none where apt doesn't say, then debootstrap takes its own. */
async function debianMirror(): Promise<readonly string[]> {
  const args = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Release: bookworm"];
  return (await run("apt-get", args)).stdout
    .split("\n")
    .filter((line) => line !== "")
    .slice(0, 1);
}
