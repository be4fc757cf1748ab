/** The CDK app: reads the context, and makes one deployment of it. `docs/deploy.md` has the keys. */
import { App, Validations } from 'aws-cdk-lib'
import { Checks } from './checks.ts'
import { Deployment } from './deployment.ts'
import { settingsOf } from './settings.ts'

const app = new App()
const settings = settingsOf(app.node.getAllContext())
const suffix = settings.name === 'main' ? '' : `-${settings.name}`
new Deployment(app, `contrastream${suffix}-${settings.stage}`, settings)
Validations.of(app).addPlugins(new Checks(app))
app.synth()
