import { execFile } from "node:child_process";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { grantedMachine } from "../src/machine.js";

const machine = (affinity: number, files: Readonly<Record<string, string>>) =>
  grantedMachine({ affinity, read: (path) => files[path] });

const V1 = "9:name=systemd:/\n5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n";

describe("what control groups grant", () => {
  it.each<[string, number, Readonly<Record<string, string>>, number, number | undefined]>([
    ["nothing known", 4, {}, 4, undefined],
    [
      "version 2, in a container",
      64,
      {
        "/proc/self/cgroup": "0::/\n",
        "/sys/fs/cgroup/cpu.max": "100000 100000\n",
        "/sys/fs/cgroup/memory.max": "536870912\n",
      },
      1,
      536_870_912,
    ],
    [
      "version 2, without limits",
      6,
      { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n", "/sys/fs/cgroup/memory.max": "max\n" },
      6,
      undefined,
    ],
    [
      "version 2, limits of a parent",
      64,
      {
        "/proc/self/cgroup": "0::/kubepods/pod1/c1\n",
        "/sys/fs/cgroup/kubepods/pod1/cpu.max": "250000 100000",
        "/sys/fs/cgroup/kubepods/pod1/c1/cpu.max": "max 100000",
        "/sys/fs/cgroup/kubepods/memory.max": "8589934592",
        "/sys/fs/cgroup/kubepods/pod1/c1/memory.max": "1073741824",
      },
      3,
      1_073_741_824,
    ],
    [
      "version 2, the host's path in a container",
      64,
      { "/proc/self/cgroup": "0::/../../docker/abc\n", "/sys/fs/cgroup/cpu.max": "400000 100000" },
      4,
      undefined,
    ],
    [
      "version 1, in a container",
      64,
      {
        "/proc/self/cgroup": V1,
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
      },
      2,
      268_435_456,
    ],
    [
      "version 1, on the host",
      64,
      {
        "/proc/self/cgroup": V1,
        "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "50000",
        "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000",
        "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "1048576",
      },
      1,
      1_048_576,
    ],
    [
      "version 1, without limits",
      8,
      {
        "/proc/self/cgroup": V1,
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      },
      8,
      undefined,
    ],
    [
      "a cpuset below the quota",
      2,
      { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "800000 100000" },
      2,
      undefined,
    ],
    ["part of a core", 64, { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "10000 100000" }, 1, undefined],
    [
      "what can't be read",
      3,
      { "/proc/self/cgroup": "nonsense\n0:\n", "/sys/fs/cgroup/cpu.max": "x y", "/sys/fs/cgroup/memory.max": "" },
      3,
      undefined,
    ],
  ])("%s", (_title, affinity, files, cores, memory) => {
    expect(machine(affinity, files)).toEqual({ cores, memory });
  });
});

/** Reports what is granted to a program in this group. */
async function grantedIn(tasks: readonly string[]): Promise<unknown> {
  const program = new URL("../dist/machine.js", import.meta.url).href;
  const script = `import(${JSON.stringify(program)}).then((m) => console.log(JSON.stringify(m.grantedMachine())))`;
  const enter = tasks.map((file) => `echo $$ > ${file}`).join(" && ");
  const { stdout } = await promisify(execFile)("sh", ["-c", `${enter} && exec ${process.execPath} -e '${script}'`]);
  return JSON.parse(stdout);
}

/** Creates a group with limits, in this machine's version; undefined if creating groups isn't permitted. */
async function realGroup(): Promise<readonly string[] | undefined> {
  const name = `longshore-test-${process.pid}`;
  const make = async (folder: string, limits: Readonly<Record<string, string>>): Promise<string> => {
    await mkdir(folder);
    onTestFinished(() => rmdir(folder));
    for (const [file, value] of Object.entries(limits)) await writeFile(`${folder}/${file}`, value);
    return `${folder}/cgroup.procs`;
  };
  const root = "/sys/fs/cgroup";
  try {
    return [
      await make(`${root}/cpu/${name}`, { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000" }),
      await make(`${root}/memory/${name}`, { "memory.limit_in_bytes": "536870912" }),
    ];
  } catch {
    return make(`${root}/${name}`, { "cpu.max": "100000 100000", "memory.max": "536870912" }).then(
      (file) => [file],
      () => undefined,
    );
  }
}

describe("a real control group", () => {
  it("is seen by a program in it", async () => {
    const files = await realGroup();
    // Without permission to create groups, check at least what is granted to this process.
    if (files === undefined) expect(grantedMachine().cores).toBeGreaterThan(0);
    else expect(await grantedIn(files)).toEqual({ cores: 1, memory: 536_870_912 });
  });
});
