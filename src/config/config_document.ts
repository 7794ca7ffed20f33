import type { Mistake } from "./mistake.ts";

/** A configuration file's content, and where in the file it stands. */
export interface ConfigDocument {
  /** Members and values; undefined where they could not be read. */
  readonly content: unknown;
  /** Why it could not be read; what is wrong with the content is for others to say. */
  readonly mistakes: readonly Mistake[];
  /** Line of the value at a path, or of the nearest one around it that is there; undefined for files without lines. */
  lineOf(path: Mistake["path"]): number | undefined;
  /** What stands in the file at a path where variables were put in, such as `${API_KEY}`; undefined where none were. */
  templateOf(path: Mistake["path"]): string | undefined;
  /** A mistake in the content with its line, and with the names of variables in place of their values. */
  locate(mistake: Mistake): Mistake;
}

/** A document without lines and variables, such as what a program exports. */
export function documentOf(content: unknown): ConfigDocument {
  return {
    content,
    mistakes: [],
    lineOf: () => undefined,
    templateOf: () => undefined,
    locate: (mistake) => mistake,
  };
}

/** A document that could not be read. */
export function unreadable(mistakes: readonly Mistake[]): ConfigDocument {
  return { ...documentOf(undefined), mistakes };
}
