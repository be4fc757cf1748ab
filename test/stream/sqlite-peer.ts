import { openDatabase } from '../../lib/service/database.ts'
import { sqliteStream } from '../../lib/stream/sqlite.ts'
import { servePeer } from './peer.ts'

const [folder = '', leaseMs = ''] = process.argv.slice(2)
servePeer(sqliteStream(openDatabase(folder, { check: false }), { leaseMs: Number(leaseMs) }))
