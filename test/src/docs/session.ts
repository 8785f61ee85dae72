import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { freePort } from "@longshore/testkit/loopback";
import { attempt } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { type Block, type Page, ROOT } from "./markdown.js";

/**
 * What the words after a block's language mean. A `sh` block without any is run; so every command of the documentation is
 * known to work, but for those that say they aren't run.
 */
const NOT_RUN = "no-run";
/** A server: started, waited for until it listens, stopped at the end of the page. */
const BACKGROUND = "background";
/** Programs that the block needs: `needs=docker,skopeo`. */
const NEEDS = "needs=";
/** A `text` block that is the standard output of the block before it; `…` stands for anything. */
const OUTPUT = "output";

/** The ports that pages use. Each run takes free ones in their place. */
const PORTS = ["5000", "5001", "5002", "5443", "8080"];
/** Names that this machine's checkout and users have, and the temporary one hasn't. */
const UNLINKED = new Set([".git", "data", "coverage", ".ci"]);

export function isRun({ language, words }: Block): boolean {
  return language === "sh" && !words.includes(NOT_RUN);
}

export function needsOf(page: Page): string[] {
  const lists = page.blocks.filter(isRun).flatMap(({ words }) => words.filter((word) => word.startsWith(NEEDS)));
  return [...new Set(lists.flatMap((word) => word.slice(NEEDS.length).split(",")))];
}

/** What one page's commands printed. */
export interface Transcript {
  /** Which output isn't the one that the page shows. */
  readonly differences: readonly string[];
}

/**
 * Runs the commands of `page` one after the other in one shell, as a reader would: in a copy of the checkout that keeps no
 * data of an earlier run. Throws with the shell's trace when one fails.
 */
export async function runPage(page: Page, env: Readonly<Record<string, string>> = {}): Promise<Transcript> {
  await using folder = await makeTemporaryFolder("docs");
  const checkout = join(folder.path, "longshore");
  const ports = new Map<string, string>();
  for (const port of PORTS) ports.set(port, String(await freePort()));
  // `npm start` has its port in a file.
  await linkCheckout(checkout, ports.get("5000") ?? "");
  const translate = (text: string) => text.replaceAll(/\b\d{4}\b/g, (port) => ports.get(port) ?? port);
  const script = join(folder.path, "page.sh");
  await writeFile(script, translate(scriptOf(page.blocks, folder.path)));
  const home = join(folder.path, "home");
  await mkdir(home);
  const result = await attempt("bash", [script], {
    cwd: checkout,
    env: { HOME: home, PATH: `${join(folder.path, "bin")}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, ...env },
    timeout: 240_000,
  });
  if (result.code !== 0) {
    const logs = await backgroundLogs(folder.path);
    throw new Error(`${page.path}: exit ${String(result.code)}\n${result.stdout}\n${result.stderr}\n${logs}`);
  }
  return { differences: await differencesOf(page.blocks, folder.path, translate) };
}

async function linkCheckout(checkout: string, port: string): Promise<void> {
  await mkdir(checkout);
  for (const name of await readdir(ROOT)) {
    if (!UNLINKED.has(name)) await symlink(join(ROOT, name), join(checkout, name));
  }
  // Installing needs the network, and is what brought this test here.
  const bin = join(dirname(checkout), "bin");
  await mkdir(bin);
  const npm = `#!/bin/sh\n[ "$1" = ci ] && exit 0\n[ "$1" = start ] && export REGISTRY_HTTP_ADDR=:${port}\nPATH="\${PATH#*:}" exec npm "$@"\n`;
  await writeFile(join(bin, "npm"), npm, { mode: 0o755 });
}

function scriptOf(blocks: readonly Block[], folder: string): string {
  const parts = blocks.map((block, index) => {
    if (!isRun(block)) return "";
    const place = `line ${String(block.line)}`;
    const log = `${folder}/${String(index)}`;
    if (!block.words.includes(BACKGROUND)) return `echo '${place}' >&2\n{\n${block.text}} > ${log}.out`;
    return [
      `echo '${place}, in the background' >&2`,
      `{\n${block.text}} > ${log}.log 2>&1 &`,
      `until grep -q 'listening on' ${log}.log; do kill -0 $! || exit 70; sleep 0.1; done`,
    ].join("\n");
  });
  // With job control each background command is a process group of its own, those that a page starts with `&` included.
  const stop = "trap 'for group in $(jobs -rp); do kill -- -$group || true; wait $group || true; done' EXIT";
  return `set -meuo pipefail\n${stop}\n${parts.join("\n")}\n`;
}

async function backgroundLogs(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /\.(log|out)$/.test(name));
  const texts = await Promise.all(names.map(async (name) => `${name}:\n${await readFile(join(folder, name), "utf8")}`));
  return texts.join("\n");
}

async function differencesOf(
  blocks: readonly Block[],
  folder: string,
  translate: (text: string) => string,
): Promise<string[]> {
  const differences: string[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.language !== "text" || !block.words.includes(OUTPUT)) continue;
    const printed = await readFile(join(folder, `${String(index - 1)}.out`), "utf8");
    if (!matches(printed, translate(block.text)))
      differences.push(`line ${String(block.line)} shows\n${block.text}but the command printed\n${printed}`);
  }
  return differences;
}

function matches(printed: string, shown: string): boolean {
  const pattern = shown
    .trim()
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^]*?");
  return new RegExp(`^${pattern}$`).test(printed.replaceAll("\r", "").trim());
}
