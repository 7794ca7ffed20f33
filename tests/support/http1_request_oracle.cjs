// Node's own HTTP parser as a second opinion on what a client sends: the requests that are complete, and why it read no
// further.
const { HTTPParser, methods } = require("_http_common");

function judge(bytes) {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  const requests = [];
  let current;
  let early = [];
  parser[HTTPParser.kOnHeadersComplete] = (_major, _minor, headers, method, url) => {
    // From 32 fields on they come in parts, before this, and the target with the first part.
    current = { verb: methods[method], url: url || early.url, fields: [...early, ...(headers ?? [])], body: "" };
    early = [];
    return 0;
  };
  parser[HTTPParser.kOnHeaders] = (fields, url) => {
    if (current !== undefined) return;
    const target = early.url || url;
    early = Object.assign([...early, ...fields], { url: target });
  };
  parser[HTTPParser.kOnBody] = (part) => {
    current.body += part.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    const { verb, url, fields, body } = current;
    requests.push([verb, url, fields, body]);
    current = undefined;
  };
  const taken = parser.execute(bytes);
  parser.close?.();
  const end = taken instanceof Error ? taken.code : taken === bytes.length ? "" : "upgrade";
  return [requests, end];
}

require("./http1_judge.cjs").judgeAll(judge);
