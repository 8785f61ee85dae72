import { z } from "zod";

/** `auth.mtls`. */
export const mtlsOptions = z.strictObject({
  /** What of a certificate is its account: the common name, or the first alternative name of a kind. */
  account: z.enum(["cn", "dns", "email", "uri"]).default("cn"),
});

/** Parsed {@link mtlsOptions}. */
export type MtlsOptions = z.infer<typeof mtlsOptions>;
