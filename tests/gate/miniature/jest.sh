# TypeScript with tsc, eslint and jest, on the lock file that new projects get.
origin="the typescript profile's lock file"
tools=(node npm)
fetch() {
  local starter=$here/../../activities/build/profile/profiles/typescript
  mkdir src test && cp "$starter/package.json" "$starter/package-lock.json" "$starter/tsconfig.json" "$starter/eslint.config.mjs" "$starter/jest.config.cjs" . || return 1
  echo node_modules > .gitignore
  echo 'export const double = (value: number): number => 2 * value;' > src/double.ts
  cat > test/double.test.ts << 'END'
import { double } from '../src/double';

test('doubles', () => {
  expect(double(2)).toBe(4);
});
END
}
task='Add triple(value) beside double, and test it.'
changes=' M src/double.ts
?? test/triple.test.ts'
own_tests() { :; } # in the gate of public projects; installing them once is enough here
tell() {
  step implement_v1
  replace src/double.ts 'export const double' << 'END'
export const triple = (value: any): number => 3 * value;
export const double
END
  write test/triple.test.ts << 'END'
import { triple } from '../src/double';

test('triples', () => {
  expect(triple(2)).toBe(6);
});
END
  step fix_attempt_1
  replace src/double.ts '(value: any)' << 'END'
(value: number)
END
}
