# TypeScript with vitest: a package that its maintainers publish with sources and tests, from a repository of many.  Taken
# out of it, it gets the compiler and the options that it had from there, and a lock file.
origin="npm @atproto/lex-json 0.0.16"
tools=(node npm)
fetch() {
  npm_source @atproto/lex-json 0.0.16 && rm -rf dist tsconfig*.json &&
    echo '{"compilerOptions":{"target":"ES2023","lib":["ES2023","DOM"],"module":"NodeNext","moduleResolution":"NodeNext","strict":true,"noImplicitAny":false,"skipLibCheck":true},"include":["src"],"exclude":["**/*.test.ts","**/*.bench.ts"]}' > tsconfig.json &&
    sed -i 's#^    "vitest"#    "typescript": "5.9.3",\n    "vitest"#' package.json &&
    echo node_modules > .gitignore && npm_lock
}
task="Add isLexLinkObject(value): whether a JSON value has exactly the shape of a link, {\"\$link\": \"...\"}. Export it and test it."
changes=' M src/index.ts
?? src/link-object.test.ts
?? src/link-object.ts'
own_tests() { npm ci --ignore-scripts --no-audit --no-fund && npm test; }
tell() {
  step implement_v1
  replace src/index.ts "export * from './link.js'" << 'END'
export * from './link.js'
export * from './link-object.js'
END
  write src/link-object.ts << 'END'
/** Whether a JSON value is an object whose only property is a textual `$link`. */
export function isLexLinkObject(value: unknown): value is { $link: string } {
  if (typeof value !== 'object') return false
  const keys = Object.keys(value as object)
  return keys.length === 1 && typeof (value as { $link?: unknown }).$link === 'string'
}
END
  write src/link-object.test.ts << 'END'
import { describe, expect, it } from 'vitest'
import { isLexLinkObject } from './link-object.js'

describe('isLexLinkObject', () => {
  it('takes an object with nothing but a link', () => {
    expect(isLexLinkObject({ $link: 'bafy' })).toBe(true)
  })

  it('refuses other shapes', () => {
    expect(isLexLinkObject({ $link: 'bafy', extra: 1 })).toBe(false)
    expect(isLexLinkObject({ $link: 1 })).toBe(false)
    expect(isLexLinkObject(null)).toBe(false)
    expect(isLexLinkObject('bafy')).toBe(false)
  })
})
END
  step fix_attempt_1
  replace src/link-object.ts "if (typeof value !== 'object') return false" << 'END'
if (typeof value !== 'object' || value === null) return false
END
}
