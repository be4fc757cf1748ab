import { openDatabase } from '../../lib/service/database.ts'
import { fileBlobs } from '../../lib/store/file.ts'
import { sqliteDocuments } from '../../lib/store/sqlite.ts'
import { serveStores } from './peer.ts'

const [folder = ''] = process.argv.slice(2)
const db = openDatabase(folder, { check: false })
serveStores(fileBlobs(folder, db), sqliteDocuments(db), () => globalThis.countSteps())
