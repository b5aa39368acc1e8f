// Airflow's own light or dark, inside its frame; the system's outside of it.
function follow() {
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  try {
    if (parent !== window) dark = parent.document.documentElement.classList.contains("dark");
  } catch (error) { /* another origin: the system's */ }
  document.documentElement.classList.toggle("dark", dark);
}
follow();
try {
  if (parent !== window) new MutationObserver(follow).observe(parent.document.documentElement, { attributeFilter: ["class"] });
} catch (error) { /* another origin */ }

// Rolling back is a run of its DAG, started by Airflow's API: who may not start it is refused there.
for (const button of document.querySelectorAll("button[data-dag]")) {
  button.addEventListener("click", async () => {
    const { dag, release } = button.dataset;
    const reason = prompt(`Serve ${release} again, for all consumers. Why?`);
    if (!reason) return;
    button.disabled = true;
    const base = location.pathname.slice(0, location.pathname.indexOf("/nightjar/"));
    const answer = await fetch(`${base}/api/v2/dags/${dag}/dagRuns`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ logical_date: null, conf: { release, reason } }),
    });
    const said = await answer.json().catch(() => ({}));
    button.textContent = answer.ok ? `started: ${said.dag_run_id}` : `refused: ${answer.status} ${JSON.stringify(said.detail ?? "")}`;
  });
}
