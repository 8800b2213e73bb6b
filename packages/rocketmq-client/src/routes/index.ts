export { NameServers } from './name-servers.ts';
export { RouteCache, type RouteCacheOptions } from './route-cache.ts';
export { masterAddress, routeFromTemplate, topicRouteOf, type TopicRoute } from './topic-route.ts';
