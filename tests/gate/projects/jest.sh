# TypeScript with jest, eslint and a lock file of its own: domutils, as Debian's source package has it.
origin="Debian node-domutils 3.0.1"
fetch() { debian_source node-domutils node-domutils_3.0.1.orig.tar.gz af8ee5de9238c0e8126a46ad4bff7580bf07d3f8ae28f2ae0148536a07e63e5a; }
tools=(node npm)
task="Add countElements(nodes): how many elements there are among the nodes and below them. Export it and test it."
changes=' M src/index.ts
?? src/counting.spec.ts
?? src/counting.ts'
own_tests() { npm ci --ignore-scripts --no-audit --no-fund && npm run test:jest && npm run lint:es; }
tell() {
  step implement_v1
  replace src/index.ts 'export * from "./querying.js";' << 'END'
export * from "./querying.js";
export * from "./counting.js";
END
  write src/counting.ts << 'END'
import { isTag, AnyNode } from "domhandler";

/**
 * Count the elements among nodes and below them.
 *
 * @category Querying
 * @param nodes Nodes to begin with.
 * @returns The number of elements.
 */
export function countElements(nodes: AnyNode[]): number {
    var count = 0;
    for (const node of nodes) {
        if (isTag(node)) count += 1 + countElements(node.children);
    }
    return count;
}
END
  write src/counting.spec.ts << 'END'
import { Comment, Element, Text } from "domhandler";
import { countElements } from "./counting.js";

describe("countElements", () => {
    it("should count elements at every depth", () => {
        const inner = new Element("b", {}, [new Text("c"), new Element("i", {})]);
        const nodes = [new Element("p", {}, [new Text("a"), inner]), new Element("hr", {})];
        expect(countElements(nodes)).toBe(4);
    });

    it("should not count text and comments", () => {
        expect(countElements([new Text("a"), new Comment("b")])).toBe(0);
    });
});
END
  step fix_attempt_1
  replace src/counting.ts 'var count' << 'END'
let count
END
}
