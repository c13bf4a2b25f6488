// `prisma migrate deploy` by Prisma's own schema engine, as the npm registry has it (WebAssembly over node-postgres;
// the command-line program downloads a native engine from elsewhere): node prisma_deploy.mjs TOOLS FOLDER SOCKET_DIRECTORY DATABASE
import {createRequire} from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

// The engine takes its random bytes from there; Node.js before 19 has it in a module only.
globalThis.crypto ??= (await import('node:crypto')).webcrypto;

const [tools, folder, host, database] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(tools), 'package.json'));
const engineFolder = path.join(path.resolve(tools), 'node_modules/@prisma/schema-engine-wasm');
const engine = await import(pathToFileURL(path.join(engineFolder, 'schema_engine_bg.js')));
const {bindMigrationAwareSqlAdapterFactory} = require('@prisma/driver-adapter-utils');
const {PrismaPg} = require('@prisma/adapter-pg');

const bytes = fs.readFileSync(path.join(engineFolder, 'schema_engine_bg.wasm'));
const {instance} = await WebAssembly.instantiate(bytes, {'./schema_engine_bg.js': engine});
engine.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

const schema = 'datasource db {\n  provider = "postgresql"\n}\n';
const directories = fs.readdirSync(folder).filter((name) => fs.existsSync(path.join(folder, name, 'migration.sql')));

// The adapter cuts a script at every semicolon; the native engine sends it whole (simple_query), and so does this.
class OneQuery extends PrismaPg {
    async connect() {
        const connection = await super.connect();
        connection.executeScript = async (script) => void (await connection.client.query(script));
        return connection;
    }
}
const adapter = bindMigrationAwareSqlAdapterFactory(new OneQuery({host, database, user: 'postgres', max: 1}));
const tool = await engine.SchemaEngine.new({datamodels: [['schema.prisma', schema]]}, () => {}, adapter);
try {
    const result = await tool.applyMigrations({
        filters: {externalTables: [], externalEnums: []},
        migrationsList: {
            baseDir: path.resolve(folder),
            lockfile: {path: 'migration_lock.toml', content: 'provider = "postgresql"\n'},
            shadowDbInitScript: '',
            migrationDirectories: directories.sort().map((name) => ({
                path: name,
                migrationFile: {
                    path: 'migration.sql',
                    content: {tag: 'ok', value: fs.readFileSync(path.join(folder, name, 'migration.sql'), 'utf8')},
                },
            })),
        },
    });
    console.log(JSON.stringify(result));
    process.exit(0);
} catch (error) {
    console.error(error);
    process.exit(1);
}
