// What all clouds share. The clients have entries of their own: `skystream/slipstream`, `skystream/stackit`,
// `skystream/synnefo`.
export * from './errors.js'
export { backgroundScheduler, defaultRuntime, MAX_DELAY_MS, type Runtime } from './runtime.js'
export * from './operators/index.js'
export { call, type Api, type Endpoint } from './http/api.js'
export {
  createApi,
  createCore,
  type ApiInit,
  type ClientCore,
  type ClientOptions,
  type ClientRetryOptions,
} from './http/client.js'
export {
  bytes,
  formBody,
  header,
  json,
  jsonBody,
  nothing,
  parseJson,
  query,
  segment,
  text,
} from './http/codecs.js'
export { compose, hooks, type Hooks } from './http/middleware.js'
export { fromObservable, toObservable, type ObservableTransport } from './http/observable.js'
export { parseRetryAfter, type ErrorDialect, type Fault } from './http/status.js'
export { type Traffic } from './http/traffic.js'
export type {
  AnyOperation,
  BodySink,
  CallOptions,
  Cancel,
  DecodeContext,
  HttpHeaders,
  HttpRequest,
  HttpResponse,
  Method,
  Middleware,
  Operation,
  RequestParts,
  ResponseHandler,
  Retry,
  StreamingBody,
  TrafficEvent,
  Transport,
} from './http/types.js'
export { undiciTransport, type Connection, type ConnectionOptions } from './http/undici-transport.js'
export { authorize, bearer, type Attach, type AuthorizeOptions } from './auth/authorize.js'
export { staticToken } from './auth/static-token.js'
export { sealToken, type Token, type TokenSource, type TokenState } from './auth/token.js'
export { TokenSubject } from './auth/token-subject.js'
export { adaptive, type AdaptiveOptions } from './streams/adaptive.js'
export {
  bufferedValuesFrom,
  eachValueFrom,
  toAsyncIterable,
  type IterationOptions,
} from './streams/async-iterable.js'
export { fileCheckpoint, memoryCheckpoint, type CheckpointStore } from './streams/checkpoints.js'
export {
  createCollectionWatch,
  type CollectionEvent,
  type CollectionSource,
  type CollectionWatchOptions,
} from './streams/collection.js'
export { type OperationEvent, type TransferEvent } from './streams/events.js'
export { memorySink, type MemorySink, type OpenSink, type Sink, type SinkInput } from './streams/sinks.js'
export { type SourceInput } from './streams/sources.js'
export { type TransferOptions } from './streams/transfer.js'
export {
  submitAndWatch,
  watchOperation,
  type OperationWatch,
  type Verdict,
  type WatchOptions,
} from './streams/operation.js'
export { VERSION } from './version.js'
