import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..', '..');
const pages = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((page) => page !== '');

/** A page without its code, where brackets are no links. */
function proseOf(page: string): string {
  return readFileSync(path.join(root, page), 'utf8')
    .replace(/^( *)```.*?^\1```$/gms, '')
    .replace(/`[^`\n]*`(?!\])/g, '');
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(page, 'utf8').replace(/^( *)```.*?^\1```$/gms, '');
  const seen = new Map<string, number>();
  return new Set(
    [...text.matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => {
      const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = plain.replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '').replaceAll(' ', '-');
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

function isBroken(page: string, link: string): boolean {
  const [file = '', anchor] = decodeURIComponent(link).split('#');
  const to = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
  if (!existsSync(to)) return true;
  return anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).has(anchor);
}

it('finds the pages, and knows a broken link from a good one', () => {
  expect(pages.length).toBeGreaterThan(20);
  expect(isBroken('README.md', 'LICENSE')).toBe(false);
  expect(isBroken('README.md', 'no-such-file.md')).toBe(true);
  expect(isBroken('README.md', 'README.md#no-such-heading')).toBe(true);
});

it.each(pages)('every link inside the project leads somewhere: %s', (page) => {
  const links = [...proseOf(page).matchAll(/\]\(<?([^)>\s]+)>?(?: "[^"]*")?\)/g)].map(
    ([, link = '']) => link,
  );
  const inside = links.filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
  expect(inside.filter((link) => isBroken(page, link))).toEqual([]);
});
