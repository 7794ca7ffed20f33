import css from "./page/page.css" with { type: "text" };
import html from "./page/page.html" with { type: "text" };
import js from "./page/page.js" with { type: "text" };

/** A file of the page. */
export interface PageFile {
  readonly contentType: string;
  readonly text: string;
}

/** The files of the page by their paths. They are part of the program: there is nothing to build, and nothing to find. */
export const PAGE_FILES: Readonly<Record<string, PageFile>> = {
  "/": { contentType: "text/html; charset=utf-8", text: html },
  "/page.css": { contentType: "text/css; charset=utf-8", text: css },
  "/page.js": { contentType: "text/javascript; charset=utf-8", text: js },
};
