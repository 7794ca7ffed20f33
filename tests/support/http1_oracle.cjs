// Node's own HTTP parser as a second opinion on answers: null where it would not take one.
const { HTTPParser } = require("_http_common");

function judge(bytes, isHead) {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.RESPONSE, {});
  const finals = [];
  let current;
  const isFinal = () => current !== undefined && current.status >= 200;
  parser[HTTPParser.kOnHeadersComplete] = (_major, _minor, headers, _method, _url, status, _text, upgrade, keep) => {
    // From 32 fields on they come in parts, before this.
    current = { status, headers: [...(parser.early ?? []), ...(headers ?? [])], body: "", trailers: [], keep, upgrade };
    parser.early = undefined;
    return isHead ? 1 : 0;
  };
  parser[HTTPParser.kOnHeaders] = (fields) => {
    if (current === undefined) parser.early = [...(parser.early ?? []), ...fields];
    else current.trailers.push(...fields);
  };
  parser[HTTPParser.kOnBody] = (part) => {
    current.body += part.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (isFinal()) finals.push(current);
    current = undefined;
  };
  const taken = parser.execute(bytes);
  const ended = taken instanceof Error || taken !== bytes.length ? taken : parser.finish();
  parser.close?.();
  if (ended !== undefined || finals.length !== 1) return null;
  const { status, headers, body, trailers, keep, upgrade } = finals[0];
  return upgrade ? null : [status, body, headers, trailers, keep];
}

require("./http1_judge.cjs").judgeAll(judge);
