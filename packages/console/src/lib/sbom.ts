import { isRecord } from "../api/decode.js";

/** A package as a bill of materials lists it. */
interface Component {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** A package URL. */
  readonly purl: string;
}

export interface Sbom {
  readonly format: string;
  readonly subject: string;
  readonly created: string | undefined;
  readonly components: readonly Component[];
}

/** Reads SPDX 2 or CycloneDX; undefined if it is neither. Whatever has the wrong type counts as absent. */
export function parseSbom(document: unknown): Sbom | undefined {
  if (!isRecord(document)) return undefined;
  if (typeof document["spdxVersion"] === "string") return spdx(document);
  return document["bomFormat"] === "CycloneDX" ? cyclone(document) : undefined;
}

type Json = Readonly<Record<string, unknown>>;

function spdx(document: Json): Sbom {
  return {
    format: textOf(document["spdxVersion"]),
    subject: textOf(document["name"]),
    created: textOf(recordOf(document["creationInfo"])["created"]) || undefined,
    components: recordsOf(document["packages"]).map((each) => ({
      name: textOf(each["name"]),
      version: textOf(each["versionInfo"]),
      licence: [each["licenseConcluded"], each["licenseDeclared"]].map(textOf).find(isLicence) ?? "",
      purl: textOf(
        recordsOf(each["externalRefs"]).find((reference) => reference["referenceType"] === "purl")?.[
          "referenceLocator"
        ],
      ),
    })),
  };
}

function isLicence(text: string): boolean {
  return text !== "" && text !== "NOASSERTION" && text !== "NONE";
}

function cyclone(document: Json): Sbom {
  const metadata = recordOf(document["metadata"]);
  return {
    format: `CycloneDX ${textOf(document["specVersion"])}`,
    subject: textOf(recordOf(metadata["component"])["name"]),
    created: textOf(metadata["timestamp"]) || undefined,
    components: recordsOf(document["components"]).map((each) => ({
      name: [textOf(each["group"]), textOf(each["name"])].filter((part) => part !== "").join("/"),
      version: textOf(each["version"]),
      licence: recordsOf(each["licenses"])
        .map((entry) => {
          const licence = recordOf(entry["license"]);
          return textOf(entry["expression"]) || textOf(licence["id"]) || textOf(licence["name"]);
        })
        .filter((part) => part !== "")
        .join(", "),
      purl: textOf(each["purl"]),
    })),
  };
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

export function recordsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
