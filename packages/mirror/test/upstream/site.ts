import type { IncomingMessage, ServerResponse } from "node:http";
import { section } from "@longshore/options/declare";
import { parseDigest, parseRepositoryName, parseTagName } from "@longshore/storage";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { contentOf, OCI_MANIFEST, type Content } from "@longshore/testkit/fixtures";
import { UPSTREAM_OPTIONS, type UpstreamOptions } from "../../src/configuration.js";
import { createUpstream, type Upstream, type UpstreamPorts } from "../../src/index.js";

/** What a stand-in upstream was asked. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

type Answering = (request: Asked, response: ServerResponse) => void | Promise<void>;

/** A stand-in for an upstream whose answers a test writes: no real registry misbehaves on demand. */
export interface StandIn extends Listening {
  readonly asked: readonly Asked[];
}

export async function serveStandIn(answer: Answering): Promise<StandIn> {
  const asked: Asked[] = [];
  const listening = await serveHttp((request, response) => {
    void readBody(request).then(async (body) => {
      const each: Asked = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [
            name,
            Array.isArray(value) ? value.join(", ") : value,
          ]),
        ),
        body,
      };
      asked.push(each);
      await answer(each, response);
    });
  });
  return { ...listening, asked };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** The options of an upstream as a configuration would give them. */
export function upstreamOptions(options: Readonly<Record<string, unknown>>): UpstreamOptions {
  return section(UPSTREAM_OPTIONS, "An upstream.").parse(options);
}

/** An upstream that is closed at the end of a test's block. */
export function openUpstream(
  url: string,
  options: Readonly<Record<string, unknown>> = {},
  ports: Partial<UpstreamPorts> = {},
): Upstream & AsyncDisposable {
  const upstream = createUpstream(upstreamOptions({ remoteurl: url, ...options }), { environment: {}, ...ports });
  return { ...upstream, [Symbol.asyncDispose]: () => upstream.close() };
}

export const NAME = parseRepositoryName("library/alpine");
export const TAG = parseTagName("3.20");

/** A manifest that can be parsed; nothing that it names exists. */
export const MANIFEST: Content = contentOf(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: contentOf("{}").digest, size: 2 },
    layers: [],
  }),
);

export const MANIFEST_DIGEST = parseDigest(MANIFEST.digest);

/** Answers as a sound registry does. */
export function sendManifest(response: ServerResponse, { bytes, digest }: Content = MANIFEST): void {
  response.writeHead(200, {
    "content-type": OCI_MANIFEST,
    "content-length": bytes.byteLength,
    "docker-content-digest": digest,
  });
  response.end(bytes);
}
