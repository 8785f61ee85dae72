import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import * as z from "zod";
import { attempt, run } from "@longshore/testkit/processes";
import { textAt } from "../pick.js";
import type { ManifestObject } from "../schema.js";

/** The chart's folder. */
export const CHART = fileURLToPath(new URL("../../../../deploy/helm/longshore", import.meta.url));

const RENDERER = fileURLToPath(new URL("../../../src/deploy/chart/render.go", import.meta.url));

/** What `helm install` or `helm upgrade` is called with. */
export interface Release {
  readonly values?: Readonly<Record<string, unknown>>;
  readonly name?: string;
  readonly namespace?: string;
  readonly upgrade?: boolean;
  /** The objects that are in the cluster already. */
  readonly cluster?: readonly unknown[];
}

export interface Rendered {
  readonly objects: readonly ManifestObject[];
  /** What is printed at the end. */
  readonly notes: string;
}

/** Renders the chart for a release. Throws what the templates say if they refuse. */
export type Render = (release?: Release) => Promise<Rendered>;

const answer = z.object({ files: z.record(z.string(), z.string()) });

/** Builds the renderer (a few seconds) in `folder`, from Debian's Go and its libraries alone. */
export async function buildRenderer(folder: string): Promise<Render> {
  const program = join(folder, "render");
  const environment = { GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOCACHE: join(folder, "go"), GOFLAGS: "" };
  await run("go", ["build", "-o", program, RENDERER], { env: environment });
  return async ({ values = {}, name = "reg", namespace = "images", upgrade = false, cluster = [] } = {}) => {
    const input = JSON.stringify({ chart: CHART, values, name, namespace, upgrade, cluster });
    const { code, stdout, stderr } = await attempt(program, [], { input });
    if (code !== 0) throw new Error(stderr);
    const { files } = answer.parse(JSON.parse(stdout));
    const objects = Object.entries(files)
      .filter(([file]) => file !== "NOTES.txt")
      .flatMap(([file, text]) => readObjects(file, text));
    return { objects, notes: files["NOTES.txt"] ?? "" };
  };
}

function readObjects(file: string, text: string): ManifestObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    for (const error of document.errors) throw new Error(`${file}: ${error.message}\n${text}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [{ file, kind: `${textAt(value, "apiVersion")} ${textAt(value, "kind")}`, value }];
  });
}
