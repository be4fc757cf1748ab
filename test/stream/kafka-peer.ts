import { testStream } from './kafka-stream.ts'
import { servePeer } from './peer.ts'

const [address = '', space = ''] = process.argv.slice(2)
servePeer(testStream(address, space))
