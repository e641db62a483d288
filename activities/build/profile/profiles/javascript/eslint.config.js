import eslint from '@eslint/js';

export default [
  { ignores: ['node_modules/', 'dist/', 'coverage/', '.wfe/'] },
  eslint.configs.recommended,
  {
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', URL: 'readonly', setTimeout: 'readonly', clearTimeout: 'readonly' },
    },
  },
];
