// look.mjs FILE NODE_MODULES: what a page of `georder audit report` has become in headless Chromium
// once its verdict is there.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Pages } from './page.mjs';

const [file, modules] = process.argv.slice(2);
const pages = new Pages(modules, dirname(file));

await pages.open();
try {
  const { page } = await pages.look(readFileSync(file, 'utf8'));
  console.log(await page.content());
} finally {
  await pages.close();
}
