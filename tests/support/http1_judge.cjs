// Reads cases from stdin, each a 32-bit length, a byte that is 1 for an answer to HEAD, and the bytes; writes a line of
// JSON for each: what `judge` says of it.
exports.judgeAll = function judgeAll(judge) {
  let rest = Buffer.alloc(0);
  process.stdin.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const lines = [];
    let at = 0;
    while (rest.length - at >= 5) {
      const length = rest.readUInt32LE(at);
      if (rest.length - at < 5 + length) break;
      lines.push(JSON.stringify(judge(rest.subarray(at + 5, at + 5 + length), rest[at + 4] === 1)));
      at += 5 + length;
    }
    rest = rest.subarray(at);
    if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
  });
};
