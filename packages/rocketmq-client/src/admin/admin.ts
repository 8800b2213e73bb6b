import { ConsumerAdmin } from './consumer-admin.ts';

/** Looks at a cluster and changes its topics, groups and brokers. One class an area, each on top of the one before. */
export class Admin extends ConsumerAdmin {}
