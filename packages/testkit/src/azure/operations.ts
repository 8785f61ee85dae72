import type { IncomingMessage } from "node:http";

/** The calls that the driver makes, by the service's names for them. */
export type AzureOperation =
  | "PutBlob"
  | "PutBlobFromURL"
  | "PutBlock"
  | "PutBlockFromURL"
  | "PutBlockList"
  | "GetBlockList"
  | "GetBlob"
  | "GetBlobProperties"
  | "SetBlobMetadata"
  | "DeleteBlob"
  | "ListBlobs"
  | "other";

/** A request to the service as it came in. */
export interface AzureRequest {
  readonly operation: AzureOperation;
  /** The blob's name, or empty. */
  readonly name: string;
  readonly headers: IncomingMessage["headers"];
}

/** What a request below the account's path `root` asks for, of which blob. */
export function operationOf(
  { method = "GET", url = "/", headers }: IncomingMessage,
  root: string,
): { readonly operation: AzureOperation; readonly name: string } {
  const { pathname, searchParams } = new URL(`http://azure.invalid${url}`);
  const [container = "", ...rest] = pathname.slice(root.length + 1).split("/");
  const name = decodeURIComponent(rest.join("/"));
  const comp = searchParams.get("comp") ?? "";
  const isCopy = headers["x-ms-copy-source"] !== undefined;
  return { operation: container === "" ? "other" : nameOf(method, comp, isCopy), name };
}

function nameOf(method: string, comp: string, isCopy: boolean): AzureOperation {
  switch (`${method} ${comp}`) {
    case "PUT ":
      return isCopy ? "PutBlobFromURL" : "PutBlob";
    case "PUT block":
      return isCopy ? "PutBlockFromURL" : "PutBlock";
    case "PUT blocklist":
      return "PutBlockList";
    case "PUT metadata":
      return "SetBlobMetadata";
    case "GET blocklist":
      return "GetBlockList";
    case "GET list":
      return "ListBlobs";
    case "GET ":
      return "GetBlob";
    case "HEAD ":
      return "GetBlobProperties";
    case "DELETE ":
      return "DeleteBlob";
    default:
      return "other";
  }
}
