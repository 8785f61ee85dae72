import type { JSX } from "preact";
import { MOST_BYTES, readBlob } from "../../api/blob.js";
import type { Descriptor } from "../../api/image.js";
import { isRecord } from "../../api/decode.js";
import { signerOf } from "../../lib/certificate.js";
import { parseSbom, recordOf, textOf } from "../../lib/sbom.js";
import { parseStatement, type Statement } from "../../lib/statement.js";
import { Facts } from "../../parts/facts.js";
import { FailureNotice } from "../../parts/failure-notice.js";
import { JsonTree } from "../../parts/json-tree.js";
import { SkeletonRows } from "../../parts/skeleton.js";
import { Time } from "../../parts/values.js";
import { useResource } from "../../state/resource.js";
import { texts } from "../../text/index.js";
import { SbomTable } from "./sbom-table.js";

const words = texts.document;
/** Text of other types is shown up to this length. */
const MOST_TEXT = 20_000;

/** Whether a page can show what is in it. */
export function isReadable({ mediaType, size }: Descriptor): boolean {
  return size <= MOST_BYTES && /json|^text\/|yaml/.test(mediaType) && !/gzip|zstd/.test(mediaType);
}

/** A document of up to `most` bytes that is attached to an image, as what it is. */
export function DocumentView({
  name,
  file,
  most,
}: {
  readonly name: string;
  readonly file: Descriptor;
  readonly most: number;
}): JSX.Element {
  const { resource, reload } = useResource(`${name} ${file.digest}`, (signal) =>
    readBlob(name, file.digest, most, signal),
  );
  const { value } = resource;
  if (value.state === "loading") return <SkeletonRows count={2} />;
  if (value.state === "failed") return <FailureNotice failure={value.failure} retry={reload} />;
  const text = value.value;
  const document = jsonOf(text);
  if (document === undefined) return <pre class="plain-text">{text.slice(0, MOST_TEXT)}</pre>;
  const statement = parseStatement(isRecord(document) ? (document["dsseEnvelope"] ?? document) : document);
  const sbom = parseSbom(statement?.predicate) ?? parseSbom(document);
  return (
    <div class="document">
      <Signer file={file} document={document} />
      {sbom !== undefined ? (
        <SbomTable sbom={sbom} />
      ) : statement !== undefined ? (
        <StatementView statement={statement} />
      ) : (
        <JsonTree value={document} />
      )}
    </div>
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The certificate of cosign's annotation, or of Sigstore's bundle. */
function certificateOf({ annotations = {} }: Descriptor, document: unknown): string {
  const material = recordOf(recordOf(document)["verificationMaterial"]);
  return (
    textOf(annotations["dev.sigstore.cosign/certificate"]) || textOf(recordOf(material["certificate"])["rawBytes"])
  );
}

function Signer({ file, document }: { readonly file: Descriptor; readonly document: unknown }): JSX.Element | null {
  const critical = recordOf(recordOf(document)["critical"]);
  const certificate = certificateOf(file, document);
  const signer = certificate === "" ? undefined : signerOf(certificate);
  const hasSignature = file.annotations?.["dev.cosignproject.cosign/signature"] !== undefined;
  if (signer === undefined && critical["image"] === undefined && !hasSignature) return null;
  const identity = textOf(recordOf(critical["identity"])["docker-reference"]);
  const digest = textOf(recordOf(critical["image"])["docker-manifest-digest"]);
  return (
    <>
      <Facts
        rows={[
          [words.signedBy, signer === undefined ? words.aKey : signer.names.join(", ")],
          ...(signer?.issuer === undefined ? [] : [[words.issuer, signer.issuer] as const]),
          ...(identity === "" ? [] : [[words.signedAs, identity] as const]),
          ...(digest === "" ? [] : [[words.signedDigest, digest] as const]),
        ]}
      />
      <p class="quiet not-verified">{words.notVerified}</p>
    </>
  );
}

function StatementView({ statement }: { readonly statement: Statement }): JSX.Element {
  const { predicateType, builder, buildType, started, finished, subjects, materials, predicate } = statement;
  return (
    <>
      <Facts
        rows={[
          [words.predicate, predicateType],
          ...(builder === "" ? [] : [[words.builder, builder] as const]),
          ...(buildType === "" ? [] : [[words.buildType, buildType] as const]),
          ...(started === "" ? [] : [[words.started, <Time value={started} />] as const]),
          ...(finished === "" ? [] : [[words.finished, <Time value={finished} />] as const]),
          [words.subject, subjects.map(({ name, digest }) => `${name} ${digest}`.trim()).join(", ")],
        ]}
      />
      {materials.length > 0 && (
        <>
          <h3>{words.materials}</h3>
          <Facts rows={materials.map(({ uri, digest }) => [uri, digest])} />
        </>
      )}
      <h3>{words.details}</h3>
      <JsonTree value={predicate} />
    </>
  );
}
