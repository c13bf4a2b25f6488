// node postgrator_migrate.mjs TOOLS FOLDER SOCKET_DIRECTORY DATABASE [VERSION]: Postgrator over node-postgres, as its README does it
import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [tools, folder, host, database, version] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(tools), 'package.json'));
const {default: Postgrator} = await import(
    pathToFileURL(path.join(path.resolve(tools), 'node_modules/postgrator/postgrator.js')));
const pg = require('pg');
const client = new pg.Client({host, database, user: 'postgres'});
await client.connect();
const postgrator = new Postgrator({
    migrationPattern: path.join(folder, '*'),
    driver: 'pg',
    database,
    execQuery: (query) => client.query(query),
});
let code = 0;
try {
    console.log(await postgrator.migrate(version));
} catch (error) {
    console.error(error);
    code = 1;
}
await client.end().catch(() => {});
process.exit(code);
