import { fileURLToPath } from "node:url";
import ts from "typescript";

/** An object of a manifest, as its YAML reads. */
export interface ManifestObject {
  /** In messages. */
  readonly file: string;
  /** Such as `apps/v1 Deployment`. */
  readonly kind: string;
  readonly value: unknown;
}

/** Beside kinds.ts of the sources, so that it and the packages are found. It is never written. */
const CHECKED = fileURLToPath(new URL("../../src/deploy/checked.ts", import.meta.url));

/**
 * What Kubernetes' schema has against the objects: unknown keys at any depth, missing ones, wrong types. Each object becomes a
 * literal that the compiler holds against its kind's type, since literals are checked for what they have too much.
 */
export function checkObjects(objects: readonly ManifestObject[]): readonly string[] {
  const lines = objects.map(
    ({ kind, value }, index) => `export const o${index}: Kinds[${JSON.stringify(kind)}] = ${JSON.stringify(value)};`,
  );
  const source = [`import type { Kinds } from "./kinds.js";`, ...lines].join("\n");
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (path) => path === CHECKED || fileExists(path);
  host.readFile = (path) => (path === CHECKED ? source : readFile(path));
  host.getSourceFile = (path, languageVersion, ...rest) =>
    path === CHECKED
      ? ts.createSourceFile(path, source, languageVersion)
      : getSourceFile(path, languageVersion, ...rest);
  const program = ts.createProgram([CHECKED], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, " ");
    const { file, start } = diagnostic;
    const line = file === undefined || start === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line;
    return `${objects[line - 1]?.file ?? file?.fileName ?? "?"}: ${message}`;
  });
}
