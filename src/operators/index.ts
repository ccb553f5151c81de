export { abortable } from './abortable.js'
export {
  constant,
  exponential,
  type Backoff,
  type BackoffStep,
  type ExponentialOptions,
  type Jitter,
} from './backoff.js'
export { paginate } from './paginate.js'
export { pollUntil, type PollOptions, type PollUntilOptions } from './poll-until.js'
export { result, type ResultOf } from './result.js'
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.js'
export {
  recordAttempts,
  resolveRetryPolicy,
  retryDecision,
  type Failure,
  type RetryDecision,
  type RetryPolicy,
  type RetryPolicyOptions,
} from './retry-decision.js'
export { retryWithBackoff, type RetryAttempt, type RetryOptions } from './retry-with-backoff.js'
