import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const text = readFileSync(`${root}Dockerfile`, 'utf8');
const dockerfile = DockerfileParser.parse(text);
const instructions = dockerfile.getInstructions();
const last = instructions.map((instruction) => instruction.getKeyword()).lastIndexOf('FROM');
const image = instructions.slice(last);
const inImage = (keyword: string): string[] =>
  image
    .filter((instruction) => instruction.getKeyword() === keyword)
    .map((i) => i.getArgumentsContent() ?? '');

it('breaks no rule of the linter', () => {
  expect(validate(text).map(({ message, range }) => ({ line: range.start.line + 1, message }))).toEqual([]);
});

it('builds on an exact version of Node that the server runs on', () => {
  const [argument] = dockerfile.getInitialARGs();
  expect(argument?.getArgumentsContent()).toMatch(/^NODE_IMAGE=node:(2[0-9])\.\d+\.\d+-bookworm-slim$/);
  for (const from of dockerfile.getFROMs()) expect(from.getImage()).toBe('${NODE_IMAGE}');
});

it('runs as a user without rights, with a health check, and gets the signal to stop itself', () => {
  expect(inImage('USER')).toEqual(['node']);
  expect(inImage('HEALTHCHECK')).toHaveLength(1);
  // The form in brackets: with a shell in between no signal would arrive.
  expect(inImage('ENTRYPOINT')[0]).toMatch(/^\[/);
  expect(inImage('RUN')).toEqual([]);
});

it('exposes the port of the configuration it starts with', () => {
  const command = JSON.parse(inImage('CMD')[0] ?? '') as string[];
  const config = JSON.parse(readFileSync(root + (command.at(-1) ?? ''), 'utf8')) as {
    server: { port: number };
  };
  expect(inImage('EXPOSE')).toEqual([String(config.server.port)]);
  expect(inImage('HEALTHCHECK')[0]).toContain(`127.0.0.1:${config.server.port}/readyz`);
});
