import { assert, assertEquals, assertMatch } from "@std/assert";
import { DEFAULT_PROJECT, readProject } from "../../src/domain/caller.ts";

Deno.test("a project is charged by the very name it gave", () => {
  const names = ["p", "my-project", "__proto__", "constructor", " a b ", "a,b", "0", "false", "null", "é😀", "\u00a0"];
  for (const name of [...names, "DefaultDappID", "x".repeat(256), "é".repeat(128), "😀".repeat(64)]) {
    assertEquals(readProject(name), { kind: "project", project: name }, name);
  }
});

Deno.test("no name and an empty one are charged to DefaultDappID", () => {
  assertEquals(DEFAULT_PROJECT, "DefaultDappID");
  for (const value of [null, ""]) assertEquals(readProject(value), { kind: "project", project: "DefaultDappID" });
});

Deno.test("a name over 256 bytes of UTF-8 is refused and never cut", () => {
  for (const name of ["x".repeat(257), "é".repeat(129), `x${"😀".repeat(64)}`, "x".repeat(1_000_000)]) {
    const read = readProject(name);
    assert(read.kind === "failure", `${name.length} characters were accepted`);
    assertEquals(read.error.code, "invalid_header");
    assertMatch(read.error.message, /project-id.*256 bytes/);
    assert(read.error.message.length < 200, "the message repeats the value");
  }
});

Deno.test("a name with a control character is refused, wherever it stands", () => {
  const controls = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index)];
  for (const code of controls) {
    const control = String.fromCharCode(code);
    for (const name of [control, `${control}a`, `a${control}`, `a${control}b`]) {
      const read = readProject(name);
      assert(read.kind === "failure", `U+${code.toString(16)} was accepted`);
      assertEquals(read.error.code, "invalid_header");
      assert(!read.error.message.includes(control), "the message repeats the control character");
    }
  }
});
