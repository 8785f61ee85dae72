import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Programs } from "@longshore/testkit/programs";

/** Images are unpacked by the snapshotter that works on every file system, which containerd 2 has to be told here, too. */
const CONFIGURATION = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
platform = "linux/amd64"
snapshotter = "native"
`;

/** How a client says where the containerd of `folder` listens. */
export function containerdAddress(folder: string): string {
  return `--address=${join(folder, "sock")}`;
}

/** Starts a containerd with all that it keeps in `folder`. */
export async function startContainerd(folder: string, { attempt, startDaemon }: Programs): Promise<AsyncDisposable> {
  const configuration = join(folder, "containerd.toml");
  await writeFile(configuration, CONFIGURATION);
  const address = containerdAddress(folder);
  const places = [`--root=${join(folder, "root")}`, `--state=${join(folder, "state")}`];
  const daemon = await startDaemon("containerd", [`--config=${configuration}`, ...places, address], {
    ready: async () => (await attempt("ctr", [address, "version"])).code === 0,
  });
  return { [Symbol.asyncDispose]: async () => void (await daemon.stop()) };
}
