import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import {
  BlobServiceClient,
  newPipeline,
  StorageSharedKeyCredential,
  type StoragePipelineOptions,
} from "@azure/storage-blob";
import { startDaemon } from "../processes.js";
import { freePorts } from "../s3/ports.js";

/** Azurite, Microsoft's emulator of Azure Storage, with nothing in it. */
export interface Azurite extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/<account>` */
  readonly serviceUrl: string;
  readonly account: string;
  readonly key: string;
  /** The library's client, for looking at what is stored. */
  readonly client: BlobServiceClient;
  /** Creates a container that no other test uses; returns its name. */
  newContainer(): Promise<string>;
  /** The blobs of a container, each with a slash before its name and its size behind it, sorted. */
  inventory(container: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** The account that every emulator has; its key is public. */
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** TLS, and with it logins by tokens, whose signatures the emulator doesn't check. */
export interface AzuriteTls {
  /** Files. */
  readonly certificate: string;
  readonly key: string;
}

/** Starts the emulator on the loopback address. It keeps everything in memory. */
export async function startAzurite(tls?: AzuriteTls): Promise<Azurite> {
  const port = await freePorts(1);
  const daemon = await startDaemon(
    "azurite-blob",
    [
      ...["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"],
      ...["--blobHost", "127.0.0.1", "--blobPort", String(port)],
      ...(tls === undefined ? [] : ["--cert", tls.certificate, "--key", tls.key, "--oauth", "basic"]),
    ],
    { ready: (output) => output.includes("successfully listens") },
  );
  const serviceUrl = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/${ACCOUNT}`;
  const pipelineOptions: StoragePipelineOptions & { readonly agent?: Agent } =
    tls === undefined ? {} : { agent: new Agent({ ca: await readFile(tls.certificate) }) };
  const pipeline = newPipeline(new StorageSharedKeyCredential(ACCOUNT, KEY), pipelineOptions);
  const client = new BlobServiceClient(serviceUrl, pipeline);
  const newContainer = async (): Promise<string> => {
    const name = `test-${randomBytes(6).toString("hex")}`;
    await client.createContainer(name);
    return name;
  };
  const inventory = async (container: string): Promise<readonly string[]> => {
    const blobs: string[] = [];
    for await (const { name, properties } of client.getContainerClient(container).listBlobsFlat()) {
      blobs.push(`/${name} ${properties.contentLength ?? 0}`);
    }
    return blobs;
  };
  const stop = async (): Promise<void> => {
    await daemon.stop(2000);
  };
  return { serviceUrl, account: ACCOUNT, key: KEY, client, newContainer, inventory, stop, [Symbol.asyncDispose]: stop };
}

/** The parameters of `storage.azure` for a container of the emulator, or of what stands before it. */
export function azureParameters(
  { serviceUrl, account, key }: Pick<Azurite, "serviceUrl" | "account" | "key">,
  container: string,
): Readonly<Record<string, string>> {
  return { accountname: account, accountkey: key, serviceurl: serviceUrl, container };
}
