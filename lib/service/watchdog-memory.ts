/** What one kind of work shows to another thread. */
export interface LaneReading {
  /** Grows with every sign of progress. */
  readonly beats: number
  /** Whether there is such work. */
  readonly isBusy: boolean
  /** What it was doing at its last sign of progress, for people. */
  readonly doing: string
}

const laneBytes = 256
const headerBytes = 12
const [beatsAt, busyAt, lengthAt] = [0, 1, 2]
const textBytes = laneBytes - headerBytes

/** Memory for so many lanes, readable while the thread that writes it is blocked. */
export function laneMemory(lanes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(lanes * laneBytes)
}

/** One lane of a {@link laneMemory}: written by one thread, read by another. */
export class Lane {
  readonly #header: Int32Array
  readonly #text: Uint8Array

  constructor(memory: SharedArrayBuffer, index: number) {
    this.#header = new Int32Array(memory, index * laneBytes, headerBytes / 4)
    this.#text = new Uint8Array(memory, index * laneBytes + headerBytes, textBytes)
  }

  setBusy(isBusy: boolean): void {
    Atomics.store(this.#header, busyAt, isBusy ? 1 : 0)
  }

  beat(doing?: string): void {
    if (doing !== undefined) {
      const bytes = new TextEncoder().encode(doing).subarray(0, textBytes)
      this.#text.set(bytes)
      Atomics.store(this.#header, lengthAt, bytes.length)
    }
    Atomics.add(this.#header, beatsAt, 1)
  }

  read(): LaneReading {
    const length = Atomics.load(this.#header, lengthAt)
    return {
      beats: Atomics.load(this.#header, beatsAt),
      isBusy: Atomics.load(this.#header, busyAt) === 1,
      doing: new TextDecoder().decode(this.#text.slice(0, length)),
    }
  }
}
