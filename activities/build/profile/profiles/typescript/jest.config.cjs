/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/\\.wfe/'],
  modulePathIgnorePatterns: ['<rootDir>/\\.wfe/', '<rootDir>/dist/'],
  transform: { '^.+\\.ts$': ['ts-jest', {}] },
};
