// The stock external task worker of Camunda 7, as a program outside would use it: node worker.mjs URL TOKEN NAME PLAN
// PLAN says what to do with which case: {"1022.BD.…": "fail" | "error" | "extend"}; any other is done. Tells in lines.
import { Client } from "camunda-external-task-client-js";

const [url, token, workerId, plan] = process.argv.slice(2);
const wanted = JSON.parse(plan);
const withToken = (config) => ({ ...config, headers: { ...config.headers, Authorization: `Bearer ${token}` } });
const client = new Client({
  baseUrl: url, workerId, maxTasks: 1, interval: 20, asyncResponseTimeout: 5000, interceptors: withToken,
});
const tell = (what, task) => console.log(JSON.stringify({ what, id: task.id, number: task.businessKey, at: Date.now() }));

client.subscribe("tra_cuu", { lockDuration: 60000 }, async ({ task, taskService }) => {
  tell("took", task);
  const what = wanted[task.businessKey];
  if (what === "fail") {
    const retries = task.retries === 1 ? 0 : 1;
    await taskService.handleFailure(task, { errorMessage: "máy chủ bận", errorDetails: "dòng 7", retries, retryTimeout: 0 });
  } else if (what === "error") {
    await taskService.handleBpmnError(task, "KHONG_CO", "không có hộ này");
  } else {
    if (what === "extend") await taskService.extendLock(task, 120000);
    await taskService.complete(task);
  }
  tell(what ?? "done", task);
});
