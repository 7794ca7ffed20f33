import type { ConfigDocument } from "./config_document.ts";
import { type CheckTls, type FileContent, readFileContent } from "./file_content.ts";
import { parseConfigText } from "./parse_document.ts";
import { SpecSet } from "../spec/spec_set.ts";

/** Reads a configuration file in the ecosystem's format: YAML, or JSON, which is YAML too. */
export function readConfigFile(text: string, specs: SpecSet = new SpecSet(), checkTls?: CheckTls): FileContent {
  return readDocument(parseConfigText(text), specs, checkTls);
}

/** Reads what a configuration file says of endpoints, providers and projects. */
export function readDocument(document: ConfigDocument, specs: SpecSet, checkTls?: CheckTls): FileContent {
  if (document.mistakes.length > 0) {
    return { endpoints: [], projects: [], mistakes: document.mistakes, warnings: [] };
  }
  const read = readFileContent(document.content, specs, checkTls);
  return { ...read, mistakes: read.mistakes.map((mistake) => document.locate(mistake)) };
}
