import { assertEquals } from "@std/assert";
import { maskCredentials, maskNodeUrl } from "../../src/config/mask.ts";

/** A URL, and what is shown of it: as a node's, and as one whose path is no secret. */
const URLS: readonly (readonly [string, string, string])[] = [
  ["https://node.example", "https://node.example", "https://node.example"],
  ["https://node.example/", "https://node.example/", "https://node.example/"],
  ["https://node.example/v2/K3Y", "https://node.example/***", "https://node.example/v2/K3Y"],
  ["https://node.example?k=K3Y", "https://node.example/***", "https://node.example?***"],
  ["https://node.example/#K3Y", "https://node.example/***", "https://node.example/?***"],
  ["https://user:K3Y@node.example:8545", "https://***@node.example:8545", "https://***@node.example:8545"],
  ["https://user:K3Y@x@node.example", "https://***@node.example", "https://***@node.example"],
  ["wss://[::1]:8545/K3Y", "wss://[::1]:8545/***", "wss://[::1]:8545/K3Y"],
  ["node.example:8545", "node.example:8545", "node.example:8545"],
  ["user:K3Y@node.example:8545/x", "***@node.example:8545/***", "***@node.example:8545/x"],
  ["redis://:K3Y@cache:6379/2", "redis://***@cache:6379/***", "redis://***@cache:6379/2"],
  ["./specs", "./***", "./specs"],
  ["", "", ""],
];

for (const [url, node, other] of URLS) {
  Deno.test(`of ${url || "nothing"} is shown what is no secret`, () => {
    assertEquals([maskNodeUrl(url), maskCredentials(url)], [node, other]);
  });
}
