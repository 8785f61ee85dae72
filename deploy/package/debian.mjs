// Makes the Debian package of the built program, for Debian 13 or newer and whatever has Node 20.19: after `npm run build`,
// node deploy/package/debian.mjs <folder>. Needs dpkg-deb. Prints the package's path.
import { execFileSync } from "node:child_process";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const HERE = fileURLToPath(new URL("debian", import.meta.url));
const SYSTEMD = join(PROJECT, "deploy/systemd");

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node deploy/package/debian.mjs <folder>");
  process.exit(1);
}
const { version } = JSON.parse(await readFile(join(PROJECT, "packages/registry/package.json"), "utf8"));
const file = join(resolve(folder), `longshore_${version}_all.deb`);

const root = await mkdtemp(join(tmpdir(), "longshore-deb-"));
try {
  await chmod(root, 0o755);
  execFileSync(process.execPath, [join(PROJECT, "deploy/package/program.mjs"), join(root, "usr/lib/longshore")]);
  await place(join(HERE, "config.yml"), "etc/longshore/config.yml");
  // Secrets: systemd reads it as root.
  await place(join(HERE, "default"), "etc/default/longshore", 0o600);
  for (const unit of ["longshore.service", "longshore.socket"]) {
    await place(join(SYSTEMD, unit), `usr/lib/systemd/system/${unit}`);
  }
  await place(join(PROJECT, "LICENSE"), "usr/share/doc/longshore/copyright");
  await mkdir(join(root, "usr/bin"));
  await symlink("../lib/longshore/packages/registry/bin/registry.js", join(root, "usr/bin/registry"));

  const control = join(root, "DEBIAN");
  await mkdir(control);
  await writeFile(join(control, "control"), describe(version));
  await writeFile(join(control, "conffiles"), "/etc/default/longshore\n/etc/longshore/config.yml\n");
  for (const script of ["postinst", "prerm", "postrm"]) {
    await cp(join(HERE, script), join(control, script));
    await chmod(join(control, script), 0o755);
  }
  await mkdir(folder, { recursive: true });
  execFileSync("dpkg-deb", ["--build", "--root-owner-group", "-Zxz", root, file], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  console.log(file);
} finally {
  await rm(root, { recursive: true });
}

async function place(source, target, mode = 0o644) {
  await mkdir(dirname(join(root, target)), { recursive: true });
  await copyFile(source, join(root, target));
  await chmod(join(root, target), mode);
}

function describe(number) {
  return `Package: longshore
Version: ${number}
Architecture: all
Maintainer: The Longshore authors <longshore@localhost>
Section: net
Priority: optional
Depends: nodejs (>= 20.19), adduser
Recommends: ca-certificates
Description: container registry, a drop-in for registry:2 and registry:3
 Stores and serves container images and other OCI artifacts over the OCI
 Distribution API, on a file system or on object storage, with access rules,
 a token server, retention, a pull-through cache and a console.
`;
}
