// report.mjs TASK NODE_MODULES DIRECTORY: what the page of `georder audit report` makes of logs that
// georder itself would not write, in headless Chromium. GEORDER is the program. Each task is a test.
import { Pages } from './page.mjs';
import * as broken from './report_broken.mjs';
import * as shown from './report_shown.mjs';

const [task, modules, directory] = process.argv.slice(2);
const run = { ...broken, ...shown }[task];
const pages = new Pages(modules, directory);

await pages.open();
try {
  console.log(await run(pages, directory));
} finally {
  await pages.close();
}
