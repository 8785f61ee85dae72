import type { TokenCredential } from "@azure/identity";
import {
  BlobSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
  type BlobServiceClient,
  type HttpAuthorization,
  type UserDelegationKey,
} from "@azure/storage-blob";
import { abortable } from "@longshore/base/abort";
import { DAY, HOUR, MINUTE } from "@longshore/base/duration";
import type { CallOptions } from "../../contract/driver.js";
import type { Calls } from "../objects/calls.js";
import type { Credential } from "./credential.js";
import { ServiceFault } from "../objects/faults.js";
import type { AzureOptions } from "./options.js";

/** Allows others to read blobs. */
export interface Signer {
  /** The address by which anyone can read the blob called `name` for `time` (ms). */
  addressOf(name: string, time: number, call: CallOptions | undefined): Promise<string>;
  /** The blob called `name` as the source of a copy. */
  sourceOf(name: string, call: CallOptions | undefined): Promise<CopySource>;
}

/** A blob that the service copies from. */
interface CopySource {
  readonly url: string;
  /** Of the requests that the service itself makes; absent if the URL is signed. */
  readonly sourceAuthorization?: HttpAuthorization;
}

/** What {@link createSigner} needs. */
interface SignerNeeds {
  readonly service: BlobServiceClient;
  readonly credential: Credential;
  readonly options: AzureOptions;
  readonly calls: Calls;
}

/** How long a copy may take (ms). */
const COPY_TIME = 2 * HOUR;
/** The service's own limit is seven days. */
const KEY_TIME = 2 * DAY;
/** A key is renewed this long before it would be needed (ms). */
const KEY_MARGIN = 30 * MINUTE;
/** Of what is signed. Newer ones add what isn't needed, and not every service knows them. */
const SIGNATURE_VERSION = "2022-11-02";
const SCOPE = "https://storage.azure.com/.default";

export function createSigner(needs: SignerNeeds): Signer {
  const { service, credential, options, calls } = needs;
  const urlOf = (name: string): string => service.getContainerClient(options.container).getBlobClient(name).url;
  const valuesFor = (name: string, expiresOn: Date) => ({
    containerName: options.container,
    blobName: name,
    permissions: BlobSASPermissions.parse("r"),
    version: SIGNATURE_VERSION,
    // Without a start: clocks differ.
    expiresOn,
    protocol: options.serviceurl.startsWith("https:") ? SASProtocol.Https : SASProtocol.HttpsAndHttp,
  });
  const after = (time: number): Date => new Date(Date.now() + time);

  if (credential instanceof StorageSharedKeyCredential) {
    const sign = (name: string, time: number): string =>
      `${urlOf(name)}?${generateBlobSASQueryParameters(valuesFor(name, after(time)), credential).toString()}`;
    return {
      addressOf: (name, time) => Promise.resolve(sign(name, time)),
      sourceOf: (name) => Promise.resolve({ url: sign(name, COPY_TIME) }),
    };
  }

  const keys = createDelegationKeys(service, calls);
  return {
    addressOf: async (name, time, call) => {
      const expiresOn = after(time);
      const key = await keys.validAt(expiresOn, call);
      const query = generateBlobSASQueryParameters(valuesFor(name, expiresOn), key, options.accountname);
      return `${urlOf(name)}?${query.toString()}`;
    },
    sourceOf: async (name, call) => {
      const value = await tokenOf(credential, calls, call);
      return { url: urlOf(name), sourceAuthorization: { scheme: "Bearer", value } };
    },
  };
}

/** Tokens are cached by the library. */
function tokenOf(credential: TokenCredential, calls: Calls, call: CallOptions | undefined): Promise<string> {
  return calls.run({ operation: "GetToken", signal: call?.signal }, async (abortSignal) => {
    const token = await credential.getToken(SCOPE, { abortSignal });
    if (token === null) throw new ServiceFault("access-denied", undefined, "GetToken: no token; check credentials");
    return token.token;
  });
}

/** Keys that sign in the name of an identity, each used for two days. */
function createDelegationKeys(service: BlobServiceClient, calls: Calls) {
  let current: { readonly key: UserDelegationKey; readonly until: number } | undefined;
  let next: Promise<UserDelegationKey> | undefined;

  const renew = async (call: CallOptions | undefined): Promise<UserDelegationKey> => {
    const until = Date.now() + KEY_TIME;
    const key = await calls.run({ operation: "GetUserDelegationKey", signal: call?.signal }, (abortSignal) =>
      service.getUserDelegationKey(new Date(Date.now() - 5 * MINUTE), new Date(until), { abortSignal }),
    );
    current = { key, until };
    return key;
  };

  return {
    async validAt(time: Date, call: CallOptions | undefined): Promise<UserDelegationKey> {
      if (current !== undefined && current.until - KEY_MARGIN > time.getTime()) return current.key;
      // Without the first caller's signal: others wait for the same key.
      next ??= renew(undefined).finally(() => {
        next = undefined;
      });
      return abortable(next, call?.signal);
    },
  };
}
