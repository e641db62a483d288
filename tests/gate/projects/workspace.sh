# An npm workspace of two packages, one of which uses the other: as in the repository that both are published from.  The
# root of a workspace is never published, so it is made here.
origin="npm @atproto/lex-data 0.0.15, lex-json 0.0.16"
tools=(node npm)
fetch() {
  mkdir -p packages/lex-data packages/lex-json tsconfig
  (cd packages/lex-data && npm_source @atproto/lex-data 0.0.15) && (cd packages/lex-json && npm_source @atproto/lex-json 0.0.16) || return 1
  sed -i 's#"\(../\)*tsconfig/#"../../tsconfig/#' packages/*/tsconfig*.json
  echo '{"compilerOptions":{"target":"ES2023","lib":["ES2023","DOM"],"module":"NodeNext","moduleResolution":"NodeNext","strict":true,"skipLibCheck":true}}' |
    tee tsconfig/isomorphic.json > tsconfig/vitest.json
  cat > package.json << 'END'
{
  "name": "lex",
  "private": true,
  "workspaces": ["packages/*"],
  "scripts": { "test": "npm test --workspaces" },
  "devDependencies": { "typescript": "5.9.3" }
}
END
  echo node_modules > .gitignore && npm_lock
}
options=(--check 'npm test')
task="Add lexJsonByteLength(json) to lex-json: the number of UTF-8 bytes of a JSON value as text, with utf8Len of lex-data. Export it and test it."
changes=' M packages/lex-json/src/index.ts
?? packages/lex-json/src/byte-length.test.ts
?? packages/lex-json/src/byte-length.ts'
own_tests() { npm ci --ignore-scripts --no-audit --no-fund && npm test; }
tell() {
  step implement_v1
  replace packages/lex-json/src/index.ts "export * from './bytes.js'" << 'END'
export * from './byte-length.js'
export * from './bytes.js'
END
  write packages/lex-json/src/byte-length.ts << 'END'
import { utf8Len } from '@atproto/lex-data'
import { JsonValue } from './json.js'

/** The number of bytes of a JSON value that is written as UTF-8 text without blanks. */
export function lexJsonByteLength(json: JsonValue): number {
  return utf8Len(JSON.stringify(json))
}
END
  write packages/lex-json/src/byte-length.test.ts << 'END'
import { describe, expect, it } from 'vitest'
import { lexJsonByteLength } from './byte-length.js'

describe('lexJsonByteLength', () => {
  it('counts bytes, not characters', () => {
    expect(lexJsonByteLength({ a: 1 })).toBe(7)
    expect(lexJsonByteLength('\u00e9')).toBe(4)
    expect(lexJsonByteLength('\u{1F600}')).toBe(6)
  })
})
END
}
