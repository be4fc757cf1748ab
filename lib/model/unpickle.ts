import { type ByteReader, byteReader } from './byte-reader.ts'

/** A class or function that a pickle names; only ever compared by name, never looked up. */
export class PickleName {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** Reference to something outside the pickle, for torch a storage. */
interface PickleReference {
  readonly reference: PickleValue
}

/** What a pickle may hold here: plain data, references and what {@link Reduce} makes of calls. */
export type PickleValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | PickleName
  | PickleReference
  | PickleObject
  | PickleValue[]
  | Map<PickleValue, PickleValue>

/** What a permitted call was turned into; this file does not look inside. */
interface PickleObject {
  readonly made: unknown
}

/**
 * Stands in for the calls that a pickle asks for: gets the name and the arguments and answers with
 * plain data, or throws. Nothing of the file is ever executed.
 */
export type Reduce = (name: string, args: readonly PickleValue[], at: number) => PickleValue

/** A pickle that was read, and the offset of the first byte behind it. */
export interface Unpickled {
  readonly value: PickleValue
  readonly end: number
}

const mark = Symbol('mark')
type Slot = PickleValue | typeof mark

/** The stack and the memo of a pickle while it is read. */
interface Machine {
  readonly reader: ByteReader
  readonly reduce: Reduce
  readonly stack: Slot[]
  readonly memo: Map<number, PickleValue>
}

function pop({ stack, reader }: Machine): PickleValue {
  const value = stack.pop()
  if (value === undefined || value === mark) throw reader.refusal('a value on the stack', 'none')
  return value
}

function popToMark({ stack, reader }: Machine): PickleValue[] {
  const from = stack.lastIndexOf(mark)
  if (from < 0) throw reader.refusal('a mark on the stack', 'none')
  return stack.splice(from).slice(1) as PickleValue[]
}

function top(machine: Machine): PickleValue {
  const value = pop(machine)
  machine.stack.push(value)
  return value
}

function append(machine: Machine, items: readonly PickleValue[]): void {
  const list = top(machine)
  if (!Array.isArray(list)) throw machine.reader.refusal('a list', typeof list)
  for (const item of items) list.push(item)
}

function setItems(machine: Machine, items: readonly PickleValue[]): void {
  const target = top(machine)
  if (!(target instanceof Map) || items.length % 2 !== 0) {
    throw machine.reader.refusal('a dictionary and pairs', 'something else')
  }
  for (let i = 0; i < items.length; i += 2) {
    target.set(items[i] as PickleValue, items[i + 1] as PickleValue)
  }
}

function recall({ memo, stack, reader }: Machine, key: number): void {
  const value = memo.get(key)
  if (value === undefined) throw reader.refusal(`memo ${key}`, 'nothing there')
  stack.push(value)
}

function call(machine: Machine): void {
  const args = pop(machine)
  const callee = pop(machine)
  if (!(callee instanceof PickleName) || !Array.isArray(args)) {
    throw machine.reader.refusal('a name and a tuple to call it with', 'something else')
  }
  machine.stack.push(machine.reduce(callee.name, args, machine.reader.at()))
}

/** Pops that many values; they come in the order in which they were pushed. */
const popped = (machine: Machine, count: number): PickleValue[] =>
  Array.from({ length: count }, () => pop(machine)).reverse()

/** Every opcode that is understood: protocol 2 without classes, objects and extensions. */
const opcodes: Readonly<Record<number, (machine: Machine) => unknown>> = {
  40: ({ stack }) => stack.push(mark), // ( MARK
  41: ({ stack }) => stack.push([]), // ) EMPTY_TUPLE
  71: ({ stack, reader }) => stack.push(reader.float64()), // G BINFLOAT
  74: ({ stack, reader }) => stack.push(reader.int32()), // J BININT
  75: ({ stack, reader }) => stack.push(reader.uint8()), // K BININT1
  77: ({ stack, reader }) => stack.push(reader.uint16()), // M BININT2
  78: ({ stack }) => stack.push(null), // N NONE
  81: (machine) => machine.stack.push({ reference: pop(machine) }), // Q BINPERSID
  82: call, // R REDUCE
  88: ({ stack, reader }) => stack.push(reader.text(reader.uint32())), // X BINUNICODE
  93: ({ stack }) => stack.push([]), // ] EMPTY_LIST
  97: (machine) => append(machine, popped(machine, 1)), // a APPEND
  98: pop, // b BUILD: sets an attribute of a dictionary (torch's module versions); not kept
  99: ({ stack, reader }) => stack.push(new PickleName(`${reader.line()}.${reader.line()}`)), // c GLOBAL
  101: (machine) => append(machine, popToMark(machine)), // e APPENDS
  104: (machine) => recall(machine, machine.reader.uint8()), // h BINGET
  106: (machine) => recall(machine, machine.reader.uint32()), // j LONG_BINGET
  113: (machine) => machine.memo.set(machine.reader.uint8(), top(machine)), // q BINPUT
  114: (machine) => machine.memo.set(machine.reader.uint32(), top(machine)), // r LONG_BINPUT
  115: (machine) => setItems(machine, popped(machine, 2)), // s SETITEM
  116: (machine) => machine.stack.push(popToMark(machine)), // t TUPLE
  117: (machine) => setItems(machine, popToMark(machine)), // u SETITEMS
  125: ({ stack }) => stack.push(new Map()), // } EMPTY_DICT
  133: (machine) => machine.stack.push(popped(machine, 1)), // TUPLE1
  134: (machine) => machine.stack.push(popped(machine, 2)), // TUPLE2
  135: (machine) => machine.stack.push(popped(machine, 3)), // TUPLE3
  136: ({ stack }) => stack.push(true), // NEWTRUE
  137: ({ stack }) => stack.push(false), // NEWFALSE
  138: ({ stack, reader }) => stack.push(reader.long(reader.uint8())), // LONG1
}
const proto = 128
const stop = 46

/**
 * Reads one pickle of protocol 2, data only.
 *
 * Understands the opcodes that torch writes into a state dictionary and no other. Every read is
 * bounded by the buffer, nothing recurses, and time and memory grow with the bytes read.
 *
 * @param bytes - Holds the pickle; more may follow it.
 * @param start - Offset of its first byte.
 * @param reduce - See {@link Reduce}.
 * @throws {@link ArtifactError} for a truncated or malformed pickle and for any other opcode.
 */
export function unpickle(bytes: Uint8Array, start: number, reduce: Reduce): Unpickled {
  const reader = byteReader('unpickle', bytes, start)
  if (reader.uint8() !== proto || reader.uint8() !== 2) {
    throw reader.refusal('a pickle of protocol 2', 'something else')
  }
  const machine: Machine = { reader, reduce, stack: [], memo: new Map() }
  for (let opcode = reader.uint8(); opcode !== stop; opcode = reader.uint8()) {
    const act = opcodes[opcode]
    if (act === undefined) {
      throw reader.refusal('an opcode of plain data', `0x${opcode.toString(16)}`)
    }
    act(machine)
  }
  const value = pop(machine)
  if (machine.stack.length > 0) throw reader.refusal('one value', `${machine.stack.length + 1}`)
  return { value, end: reader.at() }
}
