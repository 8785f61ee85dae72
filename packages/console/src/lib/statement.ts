import { isRecord } from "../api/decode.js";
import { recordOf, recordsOf, textOf } from "./sbom.js";

/** What an attestation says, as far as its kind is known. */
export interface Statement {
  readonly predicateType: string;
  readonly subjects: readonly { readonly name: string; readonly digest: string }[];
  readonly builder: string;
  readonly buildType: string;
  readonly started: string;
  readonly finished: string;
  readonly materials: readonly { readonly uri: string; readonly digest: string }[];
  readonly predicate: unknown;
}

/** Reads an in-toto statement, bare or in an envelope (DSSE); undefined if it is neither. */
export function parseStatement(document: unknown): Statement | undefined {
  if (!isRecord(document)) return undefined;
  if (typeof document["payload"] === "string") return parseStatement(decodePayload(document["payload"]));
  if (!textOf(document["_type"]).startsWith("https://in-toto.io/Statement/")) return undefined;
  const predicate = recordOf(document["predicate"]);
  const definition = recordOf(predicate["buildDefinition"]);
  const details = recordOf(predicate["runDetails"]);
  const metadata = recordOf(details["metadata"] ?? predicate["metadata"]);
  return {
    predicateType: textOf(document["predicateType"]),
    subjects: recordsOf(document["subject"]).map((each) => ({ name: textOf(each["name"]), digest: digestOf(each) })),
    builder: textOf(recordOf(details["builder"] ?? predicate["builder"])["id"]),
    buildType: textOf(definition["buildType"]) || textOf(predicate["buildType"]),
    started: textOf(metadata["startedOn"]) || textOf(metadata["buildStartedOn"]),
    finished: textOf(metadata["finishedOn"]) || textOf(metadata["buildFinishedOn"]),
    materials: recordsOf(definition["resolvedDependencies"] ?? predicate["materials"]).map((each) => ({
      uri: textOf(each["uri"]),
      digest: digestOf(each),
    })),
    predicate: document["predicate"],
  };
}

function digestOf(value: Readonly<Record<string, unknown>>): string {
  const [entry] = Object.entries(recordOf(value["digest"]));
  return entry === undefined ? "" : `${entry[0]}:${textOf(entry[1])}`;
}

function decodePayload(text: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
