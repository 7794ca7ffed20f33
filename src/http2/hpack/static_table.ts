import type { Field } from "../port.ts";

/** The static table of RFC 7541, appendix A: a line for each entry, in order, with its value behind a tab. */
const TEXT = `
:authority
:method\tGET
:method\tPOST
:path\t/
:path\t/index.html
:scheme\thttp
:scheme\thttps
:status\t200
:status\t204
:status\t206
:status\t304
:status\t400
:status\t404
:status\t500
accept-charset
accept-encoding\tgzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
`;

/** Entries 1 to 61, at the positions 0 to 60. */
export const STATIC_TABLE: readonly Field[] = TEXT.trim().split("\n").map((line): Field => {
  const [name, value = ""] = line.split("\t");
  return [name!, value];
});
