import { tmpdir } from "node:os";
import { NEWER_ROOT } from "./peer-list.js";
import { attempt, run, startDaemon, type RunOptions } from "./processes.js";

/** Where a suite's outside programs come from; otherwise as in `processes.ts`. */
export interface Programs {
  readonly attempt: typeof attempt;
  readonly run: typeof run;
  readonly startDaemon: typeof startDaemon;
}

/** Those of this machine. */
export const INSTALLED: Programs = { attempt, run, startDaemon };

/**
 * Enters the root: its files below a layer in memory, so that no program changes them for another one; this machine's processes,
 * devices, network and temporary files. All of it is mounted in a namespace of the program's own and gone when the program is.
 */
const ENTER = `
set -e
root=$1 temporary=$2 folder=$3
shift 3
mount -t tmpfs tmpfs /mnt
mkdir /mnt/changes /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=/mnt/changes,workdir=/mnt/work" /mnt/root
for name in /dev /proc /sys "$temporary"; do
  mkdir -p "/mnt/root$name"
  mount --rbind "$name" "/mnt/root$name"
done
exec chroot /mnt/root env --chdir="$folder" "$@"
`;

/** The arguments of `unshare` that run a program of the newer ones. */
function entering(program: string, args: readonly string[], cwd = "/"): readonly string[] {
  return ["--mount", "sh", "-c", ENTER, "sh", NEWER_ROOT, tmpdir(), cwd, program, ...args];
}

/** What the root has in place of this machine's. */
const ENVIRONMENT: Readonly<Record<string, string>> = { HOME: "/root", PATH: "/usr/sbin:/usr/bin" };

function inside<Options extends Pick<RunOptions, "env">>(options: Options): Options {
  return { ...options, env: { ...ENVIRONMENT, ...options.env } };
}

/** Those of the root of newer clients. Of this machine's files they see the temporary ones alone. */
export const NEWER: Programs = {
  attempt: (program, args, options) => attempt("unshare", entering(program, args, options?.cwd), inside(options ?? {})),
  run: (program, args, options) => run("unshare", entering(program, args, options?.cwd), inside(options ?? {})),
  startDaemon: (program, args, options) =>
    startDaemon("unshare", entering(program, args, options.cwd), inside(options)),
};
