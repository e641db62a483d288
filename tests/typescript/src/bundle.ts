// Bundles the workflows once: `node lib/bundle.js OUTPUT`.
import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';

async function main(output: string): Promise<void> {
  const { code } = await bundleWorkflowCode({ workflowsPath: require.resolve('./all_workflows') });
  await writeFile(output, code);
}

main(process.argv[2]!).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
