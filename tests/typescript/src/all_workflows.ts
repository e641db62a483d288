// What the workers run, in one bundle.
export * from './child_workflows';
export * from './workflows';
