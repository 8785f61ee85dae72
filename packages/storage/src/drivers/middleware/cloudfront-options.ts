import { HOUR, SECOND } from "@longshore/base/duration";
import {
  boundedDuration,
  choice,
  optionalBoundedDuration,
  requiredText,
  text,
  textOr,
} from "@longshore/options/declare";
import type { z } from "zod";
import { addressOption } from "./address-option.js";

/** From one second to the longest time that a timer can wait. */
const TIME = { min: SECOND, max: 596 * HOUR };

/** Options of `cloudfront` as the configuration declares them. */
export const cloudfrontOptions = {
  baseurl: addressOption("What the address begins with.", "https://"),
  privatekey: requiredText("PEM file with the RSA key that signs addresses. Required.", { file: "read" }),
  keypairid: requiredText("The id by which CloudFront knows the key. Required."),
  duration: boundedDuration("20m", TIME, "How long an address is valid."),
  ipfilteredby: choice(
    ["none", "aws", "awsregion"],
    "none",
    "Which clients get the address of S3 itself instead: those in AWS, or in the regions of `awsregion`.",
  ),
  awsregion: text("Regions, with commas between them. Required with `ipfilteredby: awsregion`."),
  updatefrequency: optionalBoundedDuration(TIME, "Time between two readings of the list of AWS's networks.", {
    fallback: "12h",
  }),
  updatefrenquency: optionalBoundedDuration(TIME, "An older spelling of `updatefrequency`.", { fallback: "12h" }),
  iprangesurl: textOr("https://ip-ranges.amazonaws.com/ip-ranges.json", "Where the list of AWS's networks is."),
};

/** Options of `cloudfront` as the configuration spells them, and what several of them mean together. */
export interface CloudfrontOptions extends Readonly<z.output<z.ZodObject<typeof cloudfrontOptions>>> {
  readonly updatefrequency: number;
  /** Clients that are sent to S3 instead of CloudFront; undefined: none. With regions, only those in them. */
  readonly awsClients: { readonly regions: readonly string[] | undefined } | undefined;
}
