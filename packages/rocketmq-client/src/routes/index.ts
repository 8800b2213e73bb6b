export { fetchNameServerList } from './name-server-list.ts';
export { NameServers } from './name-servers.ts';
export { RouteCache, type RouteCacheOptions } from './route-cache.ts';
export {
  consumerAddress,
  masterAddress,
  routeFromTemplate,
  topicRouteOf,
  type TopicRoute,
} from './topic-route.ts';
