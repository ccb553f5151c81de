/** How a benchmark is asked to run. */
export interface BenchmarkOptions {
  readonly rounds: number
  /** Names of variants; empty for all. */
  readonly only: readonly string[]
}

export type Benchmark = (options: BenchmarkOptions) => Promise<void>
