import { assertEquals } from "@std/assert";
import { pathParameters, PathTree } from "../../src/spec/path_tree.ts";
import { seededRandom } from "../support/seeded_random.ts";

function treeOf(...templates: string[]): PathTree<string> {
  const tree = new PathTree<string>();
  for (const template of templates) tree.add(template, template);
  return tree;
}

Deno.test("the most specific template wins, whatever the order", () => {
  const templates = ["/a/{x}", "/a/b", "/a/{x}/c", "/a/{x}/{y}", "/{w}/b/c", "/"];
  const cases: [path: string, template: string | undefined][] = [
    ["/a/b", "/a/b"],
    ["/a/b/", "/a/b"],
    ["/a/z", "/a/{x}"],
    ["/a/b/c", "/a/{x}/c"],
    ["/a/b/d", "/a/{x}/{y}"],
    ["/z/b/c", "/{w}/b/c"],
    ["/", "/"],
    ["", "/"],
    ["/a", undefined],
    ["/a/b/c/d", undefined],
    ["/a//", undefined],
    ["/a//c", undefined],
    ["//a/b", undefined],
  ];
  for (const order of [templates, [...templates].reverse()]) {
    for (const [path, template] of cases) assertEquals(treeOf(...order).find(path), template, path);
  }
});

Deno.test("percent-encoding stands for what it encodes, and a slash in it parts nothing", () => {
  const tree = treeOf("/a/{x}", "/a/b c");
  const cases: [path: string, template: string | undefined][] = [
    ["/%61/z", "/a/{x}"],
    ["/a/b%20c", "/a/b c"],
    ["/a/x%2Fy", "/a/{x}"],
    ["/a%2Fx", undefined],
    ["/a/%00", "/a/{x}"],
    ["/a/%zz", "/a/{x}"],
    ["/a/%", "/a/{x}"],
  ];
  for (const [path, template] of cases) assertEquals(tree.find(path), template, path);
  assertEquals({ ...pathParameters("/a/{x}", "/a/x%2Fy") }, { x: "x/y" });
});

Deno.test("a parameter of several segments takes one or more, and what stands behind it", () => {
  const tree = treeOf("/d/{name=**}/total", "/d/{name}", "/e/{hash=**}");
  assertEquals(tree.find("/d/ibc/27/uatom/total"), "/d/{name=**}/total");
  assertEquals(tree.find("/d/uatom/total"), "/d/{name=**}/total");
  assertEquals(tree.find("/d/uatom"), "/d/{name}");
  assertEquals(tree.find("/d/total"), "/d/{name}");
  assertEquals(tree.find("/e/a/b/c"), "/e/{hash=**}");
  assertEquals({ ...pathParameters("/d/{name=**}/total", "/d/ibc/27/total") }, { name: "ibc/27" });
});

Deno.test("long paths and names of prototypes are nothing special", () => {
  const tree = treeOf("/a/{x}", "/__proto__/b", "/e/{hash=**}");
  assertEquals(tree.find("/x".repeat(10_000)), undefined);
  assertEquals(tree.find(`/e${"/x".repeat(10_000)}`), undefined);
  assertEquals(tree.find("/constructor"), undefined);
  assertEquals(tree.find("/__proto__/b"), "/__proto__/b");
  assertEquals(Object.keys(pathParameters("/{__proto__}", "/x")), ["__proto__"]);
});

Deno.test("any path finds what a search through all templates finds", () => {
  const random = seededRandom(7);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!;
  const segment = () => pick(["a", "b", "c", "{p}"]);
  const pathOf = (next: () => string) => `/${Array.from({ length: 1 + Math.floor(random() * 4) }, next).join("/")}`;
  for (let round = 0; round < 300; round++) {
    const templates = [...new Set(Array.from({ length: 12 }, () => pathOf(segment)))];
    const tree = treeOf(...templates);
    for (let i = 0; i < 20; i++) {
      const path = pathOf(() => pick(["a", "b", "c", "d", ""]));
      assertEquals(tree.find(path), slowFind(templates, path), `${path} among ${templates}`);
    }
  }
});

/** The most specific of all templates that fit: a literal counts more than a parameter, from the left. */
function slowFind(templates: readonly string[], path: string): string | undefined {
  const segments = path.slice(1).split("/");
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  if (segments.length === 1 && segments[0] === "") return undefined;
  const fitting = templates.filter((template) => {
    const parts = template.slice(1).split("/");
    return parts.length === segments.length &&
      parts.every((part, index) => part === "{p}" ? segments[index] !== "" : part === segments[index]);
  });
  return fitting.sort((a, b) => a.replaceAll("{p}", "~") < b.replaceAll("{p}", "~") ? -1 : 1)[0];
}
