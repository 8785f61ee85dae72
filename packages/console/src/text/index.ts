import { english } from "./english.js";

/** The texts in the viewer's language: English is the only one so far. */
export const texts = english;
