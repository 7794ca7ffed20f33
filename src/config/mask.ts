/** What stands in place of what may be a key. */
export const MASK = "***";

const URL_PARTS = /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*@)?([^/?#]*)([^?#]*)(.*)$/is;

/** A node's URL: where it is, without the credentials, the path and the query, each of which may hold a key. */
export function maskNodeUrl(text: string): string {
  const [, scheme = "", user, host = "", path = "", rest = ""] = URL_PARTS.exec(text) ?? [];
  const isLonger = path.length > 1 || rest !== "";
  return `${scheme}${user ? `${MASK}@` : ""}${host}${isLonger ? `/${MASK}` : path}`;
}

/** A URL without its credentials and its query. */
export function maskCredentials(text: string): string {
  const [, scheme = "", user, host = "", path = "", rest = ""] = URL_PARTS.exec(text) ?? [];
  return `${scheme}${user ? `${MASK}@` : ""}${host}${path}${rest === "" ? "" : `?${MASK}`}`;
}
