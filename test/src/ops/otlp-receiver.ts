import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { serveHttp } from "@longshore/testkit/loopback";
import { bytesOf, hexOf, numberOf, readFields, textOf, type Field } from "./protobuf.js";

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for one without a parent. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Nanoseconds. */
  readonly duration: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  /** Of the process that made it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector of traces. */
export interface OtlpReceiver extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** The heads of the requests that brought them. */
  readonly requests: readonly IncomingMessage[];
}

/**
 * A receiver of OTLP over HTTP with protobuf bodies, as the protocol's specification has it: `POST /v1/traces` with an
 * ExportTraceServiceRequest. No collector is packaged where these tests run, so this one stands in: it decodes what it is sent
 * down to the wire types and refuses what it can't.
 */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: IncomingMessage[] = [];
  const server = await serveHttp((request, response) => {
    void (async () => {
      const body = await buffer(request);
      requests.push(request);
      const accepted =
        request.method === "POST" &&
        request.url === "/v1/traces" &&
        request.headers["content-type"] === "application/x-protobuf";
      if (accepted)
        spans.push(...readRequest(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body));
      response.writeHead(accepted ? 200 : 404, { "Content-Type": "application/x-protobuf" }).end();
    })().catch(() => response.writeHead(400).end());
  });
  return { endpoint: server.url, spans, requests, [Symbol.asyncDispose]: server.close };
}

/** The spans of an ExportTraceServiceRequest (opentelemetry-proto, trace/v1). */
function readRequest(bytes: Uint8Array): ReceivedSpan[] {
  return bytesOf(readFields(bytes), 1).flatMap((resourceSpans) => {
    const fields = readFields(resourceSpans);
    const resource = attributesOf(readFields(bytesOf(fields, 1)[0] ?? new Uint8Array()), 1);
    return bytesOf(fields, 2).flatMap((scopeSpans) =>
      bytesOf(readFields(scopeSpans), 2).map((span) => readSpan(readFields(span), resource)),
    );
  });
}

function readSpan(fields: readonly Field[], resource: ReceivedSpan["resource"]): ReceivedSpan {
  return {
    traceId: hexOf(fields, 1),
    spanId: hexOf(fields, 2),
    parentSpanId: hexOf(fields, 4),
    name: textOf(fields, 5),
    kind: Number(numberOf(fields, 6)),
    duration: numberOf(fields, 8) - numberOf(fields, 7),
    attributes: attributesOf(fields, 9),
    status: Number(numberOf(readFields(bytesOf(fields, 15)[0] ?? new Uint8Array()), 3)),
    resource,
  };
}

function attributesOf(fields: readonly Field[], number: number): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    bytesOf(fields, number).map((bytes) => {
      const pair = readFields(bytes);
      return [textOf(pair, 1), readValue(readFields(bytesOf(pair, 2)[0] ?? new Uint8Array()))];
    }),
  );
}

/** An AnyValue: a text, a truth value, a whole number, or a list of such. */
function readValue(fields: readonly Field[]): unknown {
  const [field] = fields;
  switch (field?.number) {
    case 1:
      return textOf(fields, 1);
    case 2:
      return numberOf(fields, 2) === 1n;
    case 3:
      return Number(BigInt.asIntN(64, numberOf(fields, 3)));
    case 5:
      return bytesOf(readFields(bytesOf(fields, 5)[0] ?? new Uint8Array()), 1).map((value) =>
        readValue(readFields(value)),
      );
    default:
      throw new Error("a kind of value that isn't known here");
  }
}
