// The page's modules for a test. `web/` has no package file, since the browser needs none; so Node is
// told here that what lies there are modules.

import { register } from 'node:module';

const hook = `export async function load(url, context, next) {
  return next(url, url.includes('/web/') && !url.includes('/node_modules/') ? { ...context, format: 'module' } : context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

export const web = (name) => import(new URL(`../../../web/${name}`, import.meta.url));

// Lets everything that is already decided happen: promises, not timers.
export const settled = () => new Promise((resolve) => setImmediate(resolve));
