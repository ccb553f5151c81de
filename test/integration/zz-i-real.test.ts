import { describeSwiftStorage } from './swift-storage-suite.js'
describeSwiftStorage(() => ({ authUrl: 'http://127.0.0.1:28180/auth/v1.0', user: 'test:tester', key: 'testing', account: 'AUTH_test', other: { user: 'test2:tester2', key: 'testing2', account: 'AUTH_test2' } }))
