import { assertEquals } from "@std/assert";
import { UnderWay } from "../../src/relay/under_way.ts";
import { seededRandom } from "../support/seeded_random.ts";

Deno.test("what is under way is what was added and not taken out, whatever the order", () => {
  const random = seededRandom(3);
  const members = Array.from({ length: 50 }, (_, name) => ({ name, place: -1 }));
  const underWay = new UnderWay<typeof members[number]>();
  const expected = new Set<number>();
  for (let i = 0; i < 5_000; i++) {
    const member = members[Math.floor(random() * members.length)]!;
    if (random() < 0.5) {
      underWay.add(member);
      expected.add(member.name);
    } else {
      underWay.delete(member);
      expected.delete(member.name);
    }
    assertEquals(underWay.list().map(({ name }) => name).sort(), [...expected].sort());
  }
});
