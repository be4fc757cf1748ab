import { watchdog } from '../../lib/service/watchdog.ts'

/** A process under a watchdog that does what its first argument says. */
const limitMs = 2_000
const dog = watchdog(['intake', 'round'], { limitMs })
const everyMs = (ms: number, work: () => void) => setInterval(work, ms)

/** Ends well after the limit. */
async function outlive(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2.5 * limitMs))
  await dog.close()
  process.exit(0)
}

const ways: Readonly<Record<string, () => void>> = {
  // A handler that never answers, while records wait.
  hung: () => {
    dog.setBusy('intake', true)
    dog.progress('intake', 'record 64')
    everyMs(100, () => undefined)
  },
  // Intake goes on, and the round beside it does not.
  stuck: () => {
    for (const name of ['intake', 'round'] as const) dog.setBusy(name, true)
    dog.progress('round', 'train 7/200')
    everyMs(100, () => dog.progress('intake'))
  },
  blocked: () => {
    for (;;);
  },
  idle: () => {
    void outlive()
  },
  busy: () => {
    dog.setBusy('round', true)
    everyMs(100, () => dog.progress('round'))
    void outlive()
  },
}

ways[process.argv[2] ?? '']?.()
