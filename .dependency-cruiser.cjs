// Who may import whom. The table in docs/internals/architecture.md is this file in words.
const none = '^$';
/** What each room may import of the others; everything not listed here is refused. */
const rooms = {
  'packages/rocketmq-protocol': none,
  'packages/rocketmq-client': '^packages/rocketmq-protocol/',
  'packages/rocketmq-embedded': '^packages/rocketmq-protocol/',
  'packages/mqadmin': '^packages/rocketmq-client/',
  'packages/outbox': none,
  'packages/postgres-embedded': none,
  'packages/dragon-tiger': none,
  'packages/testkit': '^packages/(rocketmq-client|rocketmq-embedded|rocketmq-protocol|postgres-embedded)/',
  'apps/server': '^packages/(?!testkit/)',
};
const ours = '^(packages|apps|conformance|bench)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `border of ${room}`,
      severity: 'error',
      from: { path: `^${room}/src/` },
      to: { path: ours, pathNot: [`^${room}/src/`, allowed] },
    })),
    {
      name: 'enter by the door',
      comment: 'Another package is imported by its name, never by a path into its folders.',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/src/' },
      to: { path: '^(packages|apps)/[^/]+/src/', pathNot: ['^$1/$2/', '/src/index\\.ts$'] },
    },
    {
      name: 'protocol does no I/O',
      severity: 'error',
      from: { path: '^packages/(rocketmq-protocol|dragon-tiger)/src/' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto|zlib)$' },
    },
    {
      name: 'server: game and wallet know no http',
      severity: 'error',
      from: { path: '^apps/server/src/(game|wallet|projections)/' },
      to: { path: '^apps/server/src/(http|cli|main)' },
    },
    {
      name: 'server: wallet is below game',
      severity: 'error',
      from: { path: '^apps/server/src/wallet/' },
      to: { path: '^apps/server/src/game/' },
    },
    {
      name: 'no cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'import', 'default'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
  },
};
