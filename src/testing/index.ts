// What users test their own automation with. The embedded cloud has its own entry, `skystream/testing/cloud`.
export { fakeTransport, type FakeAnswer, type FakeResponse, type FakeTransport } from './fake-transport.js'
export { marbles, type MarbleHelpers, type MarblesOptions } from './marbles.js'
