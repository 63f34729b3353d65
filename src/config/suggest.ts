import type { Detection } from './detect.ts';

/** What a look at a project tells, and the slipway.yaml for it. Loaded by `slipway init` alone. */
export async function suggestConfig(directory: string): Promise<{ readonly detection: Detection; readonly text: string }> {
  const { detectProject } = await import('./detect.ts');
  const { renderConfig } = await import('./render.ts');
  const detection = await detectProject(directory);
  return { detection, text: renderConfig(detection) };
}
