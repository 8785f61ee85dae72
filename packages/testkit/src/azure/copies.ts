import type { IncomingMessage } from "node:http";
import { RestError } from "@azure/storage-blob";
import type { Azurite } from "./azurite.js";
import type { AzureRequest } from "./operations.js";

/** Carries out a copy from a URL as Azure does; the source is another blob of the emulator. */
export async function copyFromUrl(
  azurite: Azurite,
  { operation, name, headers }: AzureRequest,
  message: IncomingMessage,
): Promise<{ readonly status: number; readonly code: string }> {
  const source = await fetchSource(azurite, headers);
  if (!source.ok) return { status: source.status, code: "CannotVerifyCopySource" };
  const bytes = Buffer.from(await source.arrayBuffer());
  const { pathname, searchParams } = new URL(message.url ?? "/", azurite.serviceUrl);
  const [container = ""] = pathname.slice(new URL(azurite.serviceUrl).pathname.length + 1).split("/");
  const blob = azurite.client.getContainerClient(container).getBlockBlobClient(name);
  try {
    if (operation === "PutBlockFromURL") await blob.stageBlock(searchParams.get("blockid") ?? "", bytes, bytes.length);
    else await blob.upload(bytes, bytes.length);
    return { status: 201, code: "" };
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return { status: error.statusCode ?? 500, code: error.code ?? "" };
  }
}

/** With the address' signature, or the token that the request has for it. */
function fetchSource({ serviceUrl }: Azurite, headers: AzureRequest["headers"]): Promise<Response> {
  const { pathname, search } = new URL(String(headers["x-ms-copy-source"]));
  const range = headers["x-ms-source-range"];
  const authorization = headers["x-ms-copy-source-authorization"];
  return fetch(new URL(pathname + search, serviceUrl), {
    headers: {
      "x-ms-version": String(headers["x-ms-version"]),
      ...(range === undefined ? {} : { range: String(range) }),
      ...(authorization === undefined ? {} : { authorization: String(authorization) }),
    },
  });
}
