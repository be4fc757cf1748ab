import { openDatabase } from '../../lib/service/database.ts'

const [folder = '', history = ''] = process.argv.slice(2)
process.send?.({ is: 'upgrading' })
openDatabase(folder, { history: JSON.parse(history) })
process.send?.({ is: 'open' })
setInterval(() => undefined, 1_000) // until it is killed
