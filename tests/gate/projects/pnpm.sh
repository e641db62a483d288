# TypeScript with jest, installed by pnpm, which its maintainers use: a package with sources and tests from a repository
# of many, taken out of it.
origin="npm @atproto/did 0.3.0"
tools=(node npm)
pnpm() { npx --yes --package pnpm@9.15.9 -- pnpm "$@"; }
fetch() {
  npm_source @atproto/did 0.3.0 && rm -rf dist && sed -i 's#<rootDir>/../../jest.setup.ts#<rootDir>/jest.setup.ts#' jest.config.js &&
    sed -i 's#^  "scripts"#  "packageManager": "pnpm@9.15.9",\n  "scripts"#' package.json &&
    rm tsconfig*.json && echo '{"compilerOptions":{"target":"ES2023","lib":["ES2023","DOM"],"module":"NodeNext","moduleResolution":"NodeNext","strict":true,"noImplicitAny":false,"skipLibCheck":true},"include":["src"]}' > tsconfig.json &&
    echo 'export {}' > jest.setup.ts && echo node_modules > .gitignore && pnpm install --lockfile-only --silent
}
task="Add didMethod(did): the method of a DID, the text between its first two colons. Export it and test it."
changes=' M src/index.ts
?? src/did-method.ts
?? tests/did-method.test.ts'
own_tests() { pnpm install --frozen-lockfile --ignore-scripts --silent && pnpm test; }
tell() {
  step implement_v1
  replace src/index.ts "export * from './did.js'" << 'END'
export * from './did.js'
export * from './did-method.js'
END
  write src/did-method.ts << 'END'
/** The method of a DID: the text between its first two colons. */
export function didMethod(did: string): string {
  const parts = did.split(':')
  if (parts.length < 3 || parts[0] !== 'did' || !parts[1]) {
    throw new TypeError(`"${did}" is not a DID`)
  }
  return parts[1]
}
END
  write tests/did-method.test.ts << 'END'
import { didMethod } from '../src/did-method.js'

describe('didMethod', () => {
  it('gives the text between the first two colons', () => {
    expect(didMethod('did:web:example.com%3A8080:path')).toBe('web')
  })

  it('refuses what is not a DID', () => {
    expect(() => didMethod('web:example.com')).toThrow(TypeError)
    expect(() => didMethod('did::x')).toThrow(TypeError)
  })
})
END
}
