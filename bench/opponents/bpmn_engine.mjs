// The lifecycle on bpmn-engine, a BPMN engine for Node: `bench.naive` in another language, with another engine.
// It is spared what a careful programmer would spare it: the diagram is parsed once and not kept with each case.
// node bpmn_engine.mjs MODULES DIAGRAM POSTGRESQL PORT

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [, , modules, diagram, database, port] = process.argv;
const load = createRequire(`${modules}/node_modules/`);
const { Engine } = load('bpmn-engine');
const { Pool } = load('pg');
const pool = new Pool({ connectionString: database, max: 8 });

const services = { send: (_scope, next) => next() };
const source = new Engine({ name: 'LIFE', source: translated(readFileSync(diagram, 'utf8')) });
const [{ environment }] = await source.getDefinitions();
const sourceContext = environment.options.source;

function translated(drawn) {
  const said = [
    ['"PT72H"', 'PT72H'],
    ['scriptFormat="python"', 'scriptFormat="javascript"'],
    ['priority = "high" if urgent else "normal"',
      'next(null, { priority: environment.variables.urgent ? "high" : "normal" })'],
    ['late = True', 'next(null, { late: true })'],
    ['again == True', '${environment.variables.again}'],
    ['name="Send the result"', 'name="Send the result" implementation="${environment.services.send}"'],
  ];
  for (const [ours, theirs] of said) {
    if (!drawn.includes(ours)) throw new Error(`the diagram does not say ${ours}`);
    drawn = drawn.replaceAll(ours, theirs);
  }
  return drawn;
}

function waiting(engine) {
  const tasks = engine.execution.getPostponed().filter((one) => one.type === 'bpmn:UserTask');
  return tasks.map((one) => ({ id: one.executionId, element: one.id }));
}

async function rested(engine) {
  const tasks = waiting(engine);
  const state = await engine.getState();
  engine.stop();
  for (const one of state.definitions) delete one.source;
  return [JSON.stringify(state), tasks];
}

async function start(variables) {
  const engine = new Engine({ name: 'LIFE', sourceContext, services, variables });
  await engine.execute();
  const [state, tasks] = await rested(engine);
  const { rows } = await pool.query('INSERT INTO beside (state) VALUES ($1) RETURNING id', [state]);
  return [201, { id: rows[0].id, tasks }];
}

async function complete(id, task, answers) {
  const connection = await pool.connect();
  try {
    await connection.query('BEGIN');
    const { rows } = await connection.query('SELECT state FROM beside WHERE id = $1 FOR UPDATE', [id]);
    const engine = new Engine({ name: 'LIFE', sourceContext, services }).recover(JSON.parse(rows[0].state));
    const execution = await engine.resume();
    const one = execution.getPostponed().find((each) => each.executionId === task);
    if (!one) throw new Error('not ready');
    one.environment.assignVariables(answers);
    one.signal(answers);
    const [state, tasks] = await rested(engine);
    await connection.query('UPDATE beside SET state = $2 WHERE id = $1', [id, state]);
    await connection.query('COMMIT');
    return [200, { id, tasks }];
  } catch (error) {
    await connection.query('ROLLBACK');
    return [409, { error: error.message }];
  } finally {
    connection.release();
  }
}

async function answer(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = JSON.parse(Buffer.concat(parts).toString());
  const [, , id, , task] = request.url.split('/');
  const [status, content] = await (id ? complete(Number(id), task, body) : start(body));
  const written = JSON.stringify(content);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(written) });
  response.end(written);
}

await pool.query('CREATE TABLE IF NOT EXISTS beside (id BIGSERIAL PRIMARY KEY, state TEXT NOT NULL)');
createServer(answer).listen(Number(port), '127.0.0.1');
