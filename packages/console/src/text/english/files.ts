import { formatCount } from "../../lib/bytes.js";

const CUTS: Readonly<Record<string, string>> = {
  entries: "It has more than a page can show.",
  bytes: "It unpacks to more than the registry reads for a list.",
  text: "Its paths are longer than the registry keeps for a list.",
  metadata: "What follows has longer paths, or more that is said about them, than the registry reads for a list.",
  time: "Reading it took longer than the registry spends on a list.",
};

/** The texts of the files in a layer. */
export const files = {
  title: "Files of the layer",
  layer: "Layer",
  noLayers: "This image has no layers.",
  search: "Search files",
  path: "Path",
  note: "What becomes of it",
  size: "Size",
  mode: "Mode",
  count: (number: number) => `${formatCount(number)} ${number === 1 ? "file" : "files"}`,
  matching: (number: number, search: string) =>
    `${formatCount(number)} ${number === 1 ? "path" : "paths"} with “${search}”`,
  nothing: (search: string) => `No path has “${search}” in it.`,
  empty: "This layer has no files: it changes nothing in the image.",
  unreadable: "The files of this layer can't be listed:",
  cut: (by: string, number: number) =>
    `This list ends after ${formatCount(number)} files. ${CUTS[by] ?? ""} All of them are in the layer itself.`,
  byTable: (format: string) =>
    `This is what the layer's own table says (${format === "estargz" ? "eStargz" : format}), as whoever made the image wrote it.`,
  readItself: "Read the layer itself",
  removes: (what: string) => (what === "contents" ? "empties this directory" : "removes it"),
  hiding: (how: "removed" | "replaced", layer: number) =>
    how === "removed" ? `removed by layer ${layer}` : `replaced by layer ${layer}`,
  special: (type: string) => type.replace("-", " "),
  compare: (layers: number, size: string) =>
    `Find out what the ${layers === 1 ? "later layer hides" : `${formatCount(layers)} later layers hide`} (${size} to be read)`,
  comparing: (read: number, layers: number) =>
    `${formatCount(read)} of ${formatCount(layers)} later layers read for what they hide`,
  compared: (layers: number) =>
    `Crossed out is what the ${layers === 1 ? "later layer hides" : `${formatCount(layers)} later layers hide`}.`,
  notCompared: "What later layers hide isn't known: not all of them can be read.",
} as const;
