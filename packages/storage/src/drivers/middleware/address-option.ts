import { key } from "@longshore/options/declare";
import { z } from "zod";

/** A required address with scheme and host; `scheme` is put before one that has none. */
export function addressOption(meaning: string, scheme = "") {
  const schema = z
    .string()
    .min(1)
    .transform((text) => (scheme !== "" && !text.includes("://") ? `${scheme}${text}` : text))
    .refine((url) => URL.canParse(url) && /^https?:\/\/[^/]/i.test(url));
  const allowed = "an address with scheme and host, such as https://cdn.example/";
  return key(schema, { meaning: `${meaning} Required.`, type: "string", allowed });
}
