/** `redirect`: every blob is fetched from below one address, whatever the storage (contract §6.7). */
export interface RedirectOptions {
  /** Scheme and host, perhaps a path; the file's whole path is joined to it. */
  readonly baseUrl: string;
}

/** `rewrite`: changes the address that the storage gives out. What is absent stays as it is. */
export interface RewriteOptions {
  readonly scheme?: string | undefined;
  /** With a port, if there is to be one. */
  readonly host?: string | undefined;
  readonly trimPathPrefix?: string | undefined;
}

/** Which clients are sent to S3 instead of CloudFront: none, those in AWS, or those in some of its regions. */
export type AwsClients = "none" | "aws" | { readonly regions: readonly string[] };

/** `cloudfront`: signed addresses of a CloudFront distribution in front of the bucket. Times in milliseconds. */
export interface CloudfrontOptions {
  readonly baseUrl: string;
  /** Path of a PEM file with the RSA key (PKCS#1, or PKCS#8). */
  readonly privateKey: string;
  readonly keyPairId: string;
  /** How long an address is good. */
  readonly duration: number;
  readonly awsClients: AwsClients;
  /** Time between two looks at the list of AWS's networks. */
  readonly updateFrequency: number;
  /** Where that list is. */
  readonly ipRangesUrl: string;
}

/** One entry of `middleware.storage`, understood. */
export type StorageMiddleware =
  | { readonly name: "redirect"; readonly options: RedirectOptions }
  | { readonly name: "rewrite"; readonly options: RewriteOptions }
  | { readonly name: "cloudfront"; readonly options: CloudfrontOptions };

/** What middleware tells an operator. */
export interface MiddlewarePorts {
  warn(message: string): void;
}
